"""Reads pages of a feed with parsers of others, and prints the ids that each found.

In: the URLs of the feed in its default form and in the strict one.
"""

import base64
import json
import sys
import urllib.request

import fastfeedparser
import feedparser
import jsonfeedvalidator
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def get(url, accept):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request) as response:
        return response.read().decode()


extended, strict = sys.argv[1:]
found = {}

page = get(strict, "application/feed+json")
errors = jsonfeedvalidator.validate_feed(json.loads(page))
assert not len(errors), jsonfeedvalidator.format_errors(json.loads(page), errors)
found["strict"] = [item["id"] for item in json.loads(page)["items"]]

page = get(extended, "application/feed+json")
found["extended"] = [entry.id for entry in fastfeedparser.parse(page).entries]

batch = json.loads(get(extended, "application/cloudevents-batch+json"))
events = [JSONFormat().read(CloudEvent, json.dumps(event)) for event in batch]
found["cloudevents"] = [event.get_id() for event in events]
found["data"] = [event.get_data()["name"] for event in events]

atom = feedparser.parse(get(extended, "application/atom+xml"))
assert not atom.bozo, atom.bozo_exception
assert [link.rel for link in atom.feed.links] == ["self", "first", "next"], atom.feed.links
found["atom"] = [entry.id.removeprefix("urn:uuid:") for entry in atom.entries]
contents = [entry.content[0] for entry in atom.entries]
assert all(content.type == "application/json" for content in contents)


def decoded(value):
    return value if value.startswith("{") else base64.b64decode(value).decode()


assert [json.loads(decoded(content.value))["name"] for content in contents] == found["data"]
print(json.dumps(found))
