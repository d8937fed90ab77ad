// Reads pages of a feed with parsers of others, and prints the ids that each found. In: the URLs of the feed in its
// default form and in the strict one.
import { HTTP } from "cloudevents";
import { parseAtomFeed, parseJsonFeed } from "feedsmith";

async function get(url, accept) {
  const response = await fetch(url, { headers: { accept } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return { headers: Object.fromEntries(response.headers), body: await response.text() };
}

const [extended, strict] = process.argv.slice(2);
const found = {};
for (const [name, url] of Object.entries({ extended, strict })) {
  const page = await get(url, "application/feed+json");
  const feed = parseJsonFeed(page.body);
  found[name] = feed.items.map((item) => item.id);
  if (feed.items.some((item) => !item.content_text || !item.date_published)) throw new Error("an item is not whole");
}

const batch = await get(extended, "application/cloudevents-batch+json");
const events = HTTP.toEvent(batch);
for (const event of events) event.validate();
found.cloudevents = events.map((event) => event.id);
found.data = events.map((event) => event.data.name);

const atom = parseAtomFeed((await get(extended, "application/atom+xml")).body);
found.atom = atom.entries.map((entry) => entry.id.replace("urn:uuid:", ""));
console.log(JSON.stringify(found));
