// Follows a feed by server-sent events, and prints the id of each event. Reconnecting is the library's work.
import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2]);
source.onmessage = (message) => {
  const item = JSON.parse(message.data);
  if (String(item._position) !== message.lastEventId) throw new Error("its id is not its position");
  console.log(item.id);
};
