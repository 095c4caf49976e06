// A host of MCP Apps with one view: it passes the view's calls on to the server behind this page, and does nothing else.
const view = document.getElementById("view"), { given, version } = document.body.dataset;
const token = new URLSearchParams(location.search).get("t");
const say = (message) => view.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
const dark = matchMedia("(prefers-color-scheme: dark)"), theme = () => (dark.matches ? "dark" : "light");

const call = async (params) => {
  const headers = { "content-type": "application/json", "x-token": token };
  const answer = await fetch("/call", { method: "POST", headers, body: JSON.stringify(params) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};

const answers = {
  "ui/initialize": () => ({
    protocolVersion: "2026-01-26",
    hostInfo: { name: "classwright-agent", version },
    hostCapabilities: { serverTools: {} },
    hostContext: { theme: theme(), displayMode: "fullscreen", availableDisplayModes: ["fullscreen"], platform: "web" },
  }),
  "ui/request-display-mode": () => ({ mode: "fullscreen" }),
  "tools/call": call,
};

addEventListener("message", async ({ source, data }) => {
  if (source !== view.contentWindow || data?.jsonrpc !== "2.0") return;
  if (data.method === "ui/notifications/initialized") {
    view.focus();
    say({ method: "ui/notifications/tool-input", params: { arguments: JSON.parse(given) } });
    return say({ method: "ui/notifications/tool-result", params: { content: [], structuredContent: JSON.parse(given) } });
  }
  if (data.id === undefined) return;
  try {
    if (!answers[data.method]) throw new Error(`${data.method} is not offered`);
    say({ id: data.id, result: await answers[data.method](data.params) });
  } catch (error) {
    say({ id: data.id, error: { code: -32000, message: String(error.message ?? error) } });
  }
});

dark.addEventListener("change", () => say({ method: "ui/notifications/host-context-changed", params: { theme: theme() } }));
view.src = `/view${location.search}`; // with who decides
