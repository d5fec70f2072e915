"""One side of a comparison: a process that keeps running and times a call for each line it reads.

`worker.py SIDE WORK IMAGE THREADS`; answers are lines of JSON on what was standard output when it
started, for libraries print there too. Megabytes are the peak of the process so far, and how much
of that the first call added to what the loaded input takes. Short calls are repeated for half a
second, and their median is the answer without the first of them: a process that has waited for its
turn finds caches, pages and processors asleep.
"""

import gc
import json
import os
import statistics
import sys
import time

import calls

SHORT = 0.5
"""Seconds that a turn takes at least."""


def megabytes(field):
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


def main():
    side, work, path, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)

    def answer(**content):
        print(json.dumps(content), file=answers, flush=True)

    calls.warm_up(side, work, path, int(threads))
    call = calls.prepare(side, work, path, int(threads))
    gc.collect()
    before = megabytes('VmRSS')
    answer(versions=calls.versions(side))
    added = None
    for _ in sys.stdin:
        times = []
        while sum(times) < SHORT:
            result = None
            begin = time.perf_counter()
            result = call()
            times.append(time.perf_counter() - begin)
            if added is None:
                added = megabytes('VmHWM') - before
        seconds = statistics.median(times[1:] or times)
        peak = megabytes('VmHWM')
        words, content = calls.digest(result)
        answer(seconds=seconds, words=words, content=content, peak=peak, added=added)
        del result


main()
