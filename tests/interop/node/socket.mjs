// Follows a feed over WebSockets, and prints the id of each event. After a break it goes on by `offset`.
import WebSocket from "ws";

const url = process.argv[2].replace("http:", "ws:");
let next = 0;
function open() {
  const socket = new WebSocket(`${url}?offset=${next}`);
  socket.on("message", (text) => {
    const item = JSON.parse(text);
    next = item._position + 1;
    console.log(item.id);
  });
  socket.on("error", () => {});
  socket.on("close", () => setTimeout(open, 20));
}
open();
