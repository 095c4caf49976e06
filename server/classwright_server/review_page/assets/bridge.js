// The host: this page's side of MCP Apps (revision 2026-01-26), over messages to the frame around it.
const host = (() => {
  const ANSWER_MS = 60_000;
  const waiting = new Map();
  const on = {};
  let number = 0, context = {}, size = "";

  const post = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  const notify = (method, params = {}) => post({ method, params });

  const ask = (method, params = {}) => new Promise((resolve, reject) => {
    const id = ++number;
    const timer = setTimeout(() => { waiting.delete(id); reject(new Error(`${method}: no answer`)); }, ANSWER_MS);
    waiting.set(id, { resolve, reject, timer });
    post({ id, method, params });
  });

  const settle = ({ id, result, error }) => {
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    clearTimeout(asked.timer);
    if (error) asked.reject(new Error(error.message)); else asked.resolve(result);
  };

  const dress = () => {
    const root = document.documentElement;
    if (context.theme) { root.dataset.theme = context.theme; root.style.colorScheme = context.theme; }
    for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
      if (name.startsWith("--") && value) root.style.setProperty(name, value);
    }
    on.context?.(context);
  };

  addEventListener("message", async ({ source, data }) => {
    if (source !== parent || data?.jsonrpc !== "2.0") return;
    if (data.method === undefined) return settle(data);
    const name = data.method.replace("ui/notifications/", "").replace("ui/", "");
    if (name === "host-context-changed") { context = { ...context, ...data.params }; dress(); }
    if (data.id === undefined) return on[name]?.(data.params ?? {});
    if (name === "ping" || name === "resource-teardown") {
      await on[name]?.(data.params ?? {});
      return post({ id: data.id, result: {} });
    }
    post({ id: data.id, error: { code: -32601, message: `${data.method} is not offered` } });
  });

  const tellSize = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height), width = innerWidth;
    if (`${width} ${height}` === size) return;
    size = `${width} ${height}`;
    notify("ui/notifications/size-changed", { width, height });
  };

  const connect = async (appInfo) => {
    const answer = await ask("ui/initialize", {
      appInfo, appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] }, protocolVersion: "2026-01-26",
    });
    context = answer.hostContext ?? {};
    dress();
    notify("ui/notifications/initialized");
    new ResizeObserver(() => requestAnimationFrame(tellSize)).observe(document.body);
  };

  // A tool's answer; one that failed is an error with its words. `refused`: the server has answered, and will again.
  const call = async (name, args) => {
    const answer = await ask("tools/call", { name, arguments: args });
    if (answer.isError) {
      throw Object.assign(new Error(answer.content?.[0]?.text ?? `${name} failed`), { refused: true });
    }
    return answer.structuredContent ?? JSON.parse(answer.content?.[0]?.text ?? "{}");
  };

  return {
    on, call, connect,
    get context() { return context; },
    show: (mode) => ask("ui/request-display-mode", { mode }),
    tell: (text) => ask("ui/update-model-context", { content: [{ type: "text", text }] }),
  };
})();
