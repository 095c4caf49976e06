"""Charts as SVG, drawn alike on the pages of the tools and of the agent; they need nothing heavy."""
