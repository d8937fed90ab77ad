"""Follows a feed over WebSockets, and prints the id of each event. After a break it goes on by `offset`."""

import asyncio
import json
import sys

import websockets


async def follow(url):
    following = 0
    while True:
        try:
            async with websockets.connect(f"{url}?offset={following}") as socket:
                async for text in socket:
                    item = json.loads(text)
                    following = item["_position"] + 1
                    print(item["id"], flush=True)
        except (OSError, websockets.WebSocketException):
            pass
        await asyncio.sleep(0.02)


asyncio.run(follow(sys.argv[1].replace("http:", "ws:")))
