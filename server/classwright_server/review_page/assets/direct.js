// The server that serves this page by itself, in the place of a host of MCP Apps: each call is a request of MCP (2026-07-28).
const host = (() => {
  const REVISION = "2026-07-28", NEEDS_TOKEN = 401, { html, render } = preactHtm;
  const on = {}, given = Object.fromEntries(new URLSearchParams(location.search));
  const context = { displayMode: "fullscreen", availableDisplayModes: ["fullscreen"] };
  let token = "", number = 0, asking = null;

  // Asks the person for a token, once for all calls that wait for it. It stays in this page's memory.
  const askForToken = (fault) => asking ??= new Promise((resolve) => {
    const place = document.body.appendChild(document.createElement("div"));
    const take = (event) => {
      event.preventDefault();
      token = new FormData(event.target).get("token").trim();
      asking = null;
      place.remove();
      resolve();
    };
    render(html`<dialog aria-labelledby="token-title"><form onSubmit=${take}><h2 id="token-title">Your token for this server</h2>
      ${fault && html`<p role="alert">${fault}</p>`}
      <label>Token <input name="token" type="password" autocomplete="current-password" required /></label>
      <button type="submit" class="main">Open the review</button></form></dialog>`, place);
    const dialog = place.firstChild;
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
  });

  const send = (name, args, held) => fetch("mcp", {
    method: "POST", credentials: "omit", redirect: "error",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": REVISION,
      "mcp-method": "tools/call", "mcp-name": name, ...(held ? { authorization: `Bearer ${held}` } : {}) },
    body: JSON.stringify({ jsonrpc: "2.0", id: ++number, method: "tools/call", params: { name, arguments: args, _meta: {
      "io.modelcontextprotocol/protocolVersion": REVISION, "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "classwright-review", version: "1" } } } }),
  });

  // The message in a response: it is that, or the last event of a stream.
  const messageIn = (text, type) => JSON.parse(type.includes("event-stream") ? text.match(/^data:[^\n]*/gm).at(-1).slice(5) : text);

  const call = async (name, args) => {
    for (;;) {
      const held = token, response = await send(name, args, held).catch(() => { throw new Error("The server does not answer."); });
      const text = await response.text();
      if (response.status === NEEDS_TOKEN) {
        if (held === token) await askForToken(held && "The server does not take this token, or no longer.");
        continue;
      }
      let message = {};
      try { message = messageIn(text, response.headers.get("content-type") ?? ""); } catch { /* no answer of MCP: its status tells */ }
      const { result, error } = message;
      if (!result) throw new Error(error?.message ?? `The server answers ${response.status}: ${text.slice(0, 200)}`);
      if (result.isError) throw Object.assign(new Error(result.content?.[0]?.text ?? `${name} failed`), { refused: true });
      return result.structuredContent;
    }
  };

  return {
    on, call, context,
    connect: async () => { on.context?.(); on["tool-result"]({ structuredContent: given }); },
    tell: async () => {}, // there is no chat to tell
  };
})();
