"""What the tables of the articles measure beside the product: forms of its methods that were not kept."""
