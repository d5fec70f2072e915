"""Count the instructions of each kernel under callgrind and compare them with those on record.

Seconds are noisy, instructions are not: a kernel whose count moves by more than the tolerance has
changed, and one that grows by more fails. `--record` writes what was counted into
`instructions.json`. Counts depend on the compiler, so those of another compiler are only printed.
Callgrind knows no AVX-512; SKANRS_VECTORS=word makes the kernels take words of 64 bits everywhere.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
RECORD = HERE / 'instructions.json'
BUILD = ('cargo', 'build', '--profile', 'profiling', '--locked', '--quiet')
BUILD += ('--example', 'instructions')


def main():
    options = arguments()
    if shutil.which('valgrind') is None:
        sys.exit('instructions: valgrind was not found; install it (Debian: apt install valgrind)')
    top = HERE.parent
    subprocess.run(BUILD, cwd=top, check=True)
    target = Path(os.environ.get('CARGO_TARGET_DIR', top / 'target'))
    program = top / target / 'profiling' / 'examples' / 'instructions'
    names = subprocess.run([program], capture_output=True, text=True, check=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        kernels = names.stdout.splitlines()
        counts = dict(
            zip(kernels, pool.map(lambda name: count(program, name), kernels), strict=True)
        )
    compiler = {'rustc': output('rustc', '--version'), 'machine': platform.machine()}
    if options.record:
        RECORD.write_text(json.dumps({**compiler, 'counts': counts}, indent=2) + '\n')
        print(f'instructions: {len(counts)} counts written to {RECORD.relative_to(top)}')
        return
    record = json.loads(RECORD.read_text())
    comparable = all(record[key] == value for key, value in compiler.items())
    if not comparable:
        print(f'instructions: on record are those of {record["rustc"]}, {record["machine"]};')
        print(f'  this is {compiler["rustc"]}, {compiler["machine"]}: nothing is compared strictly')
    outside = False
    for name in sorted(counts.keys() | record['counts'].keys()):
        now, before = counts.get(name), record['counts'].get(name)
        if now is None or before is None:
            print(f'  {name:22}{"gone" if now is None else "not on record"} <- record it')
            continue
        change = now / before - 1
        grown, shrunk = change > options.tolerance / 100, change < -options.tolerance / 100
        outside |= grown
        mark = ' <- more than the tolerance' if grown else ' <- record it' if shrunk else ''
        print(f'  {name:22}{now:14,}{change:+9.2%}{mark}')
    if outside and comparable:
        sys.exit(
            f'instructions: a count grew by more than {options.tolerance:g} %; if that is meant, '
            'write the new ones: make record-instructions'
        )


def count(program, kernel):
    """Return how many instructions one call of a kernel takes."""
    command = ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null']
    command += ['--toggle-collect=*measured*', program, kernel]
    # A fixed seed and a fixed environment: what a hash or the stack's address would move stays.
    environment = {'PATH': os.environ['PATH'], 'SKANRS_VECTORS': 'word'}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    found = re.search(r'Collected\s*:\s*(\d+)', done.stderr)
    if done.returncode or found is None or found[1] == '0':
        sys.exit(f'instructions: callgrind failed on {kernel!r}\n{done.stderr}')
    return int(found[1])


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--record', action='store_true', help='write the counts')
    parser.add_argument('--tolerance', type=float, default=3, help='in percent')
    return parser.parse_args()


main()
