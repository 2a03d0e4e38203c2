// A server of the npm package `ws` that does what a message tells it to: `ws_server.mjs PORT`.
// The package is found through NODE_PATH.  Any message that is no command is sent back.
// It writes one JSON object per line: its port, and each connection that it accepted and lost.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(import.meta.url)("ws");

const tell = (facts) => console.log(JSON.stringify(facts));

const commands = {
  close: (socket, code, reason) => socket.close(Number(code), reason),
  closeWithoutCode: (socket) => socket.close(),
  terminate: (socket) => socket.terminate(),
  reset: (socket) => socket._socket.resetAndDestroy(),
  // Neither reads nor answers from now on; what it has read is left alone.
  stopReading: (socket) => socket._socket.pause(),
  ping: (socket, payload) => socket.ping(payload),
  // A message in three frames with a ping between them.
  fragments: (socket) => {
    socket.send("one ", { fin: false });
    socket.ping("in the middle");
    socket.send("two ", { fin: false });
    socket.send("three", { fin: true });
  },
  // So many numbered messages, then another command once the system has taken all.
  burst: (socket, count, ...then) => {
    for (let number = 0; number < count - 1; number += 1) socket.send(String(number));
    socket.send(String(count - 1), () => run(socket, then));
  },
};

const run = (socket, [name, ...words]) => commands[name](socket, ...words);

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  perMessageDeflate: true,
});

server.on("connection", (socket) => {
  tell({ accepted: true });
  socket.on("error", () => {});
  socket.on("pong", (payload) => tell({ pong: payload.toString() }));
  socket.on("close", (code) => tell({ closed: code }));
  socket.on("message", (data, isBinary) => {
    const text = data.toString();
    if (!isBinary && text.startsWith("!")) run(socket, text.slice(1).split(" "));
    else socket.send(data, { binary: isBinary });
  });
});

server.on("listening", () => tell({ port: server.address().port }));
