"""How long jsonsubschema (PyPI) takes to judge pairs of schemas, and how often it is right: for comparison with the
benchmark `compat`.

    python3 -m venv peers && peers/bin/pip install jsonsubschema==0.0.8
    peers/bin/python tests/peers/jsonsubschema/judge.py PAIRS.jsonl

A line of the file has the members `writer`, `reader` and `expected` (`compatible` or `incompatible`). Out: the median time
of a pair, and how many were right, wrong and without an answer. A pair that takes longer than ten seconds has none.
"""

import json
import signal
import statistics
import sys
import time

from jsonsubschema import isSubschema


class TooLong(Exception):
    pass


def too_long(*_):
    raise TooLong


def main(path):
    signal.signal(signal.SIGALRM, too_long)
    times, right, unsound, strict, silent = [], 0, 0, 0, 0
    for line in open(path, encoding="utf-8"):
        pair = json.loads(line)
        began = time.perf_counter()
        signal.alarm(10)
        try:
            verdict = "compatible" if isSubschema(pair["writer"], pair["reader"]) else "incompatible"
        except BaseException as error:  # It ends with many kinds, SystemExit among them.
            if isinstance(error, KeyboardInterrupt):
                raise
            verdict = None
        finally:
            signal.alarm(0)
        times.append(time.perf_counter() - began)
        right += verdict == pair["expected"]
        silent += verdict is None
        unsound += verdict == "compatible" and pair["expected"] == "incompatible"
        strict += verdict == "incompatible" and pair["expected"] == "compatible"
    print(f"jsonsubschema: {len(times)} pairs, median {statistics.median(times) * 1e6:.0f} µs; "
          f"right {right}, unsound {unsound}, over-strict {strict}, no answer {silent}")


main(sys.argv[1])
