"""What was tried, how often, and what happened: the table that each of these scripts ends with."""
import collections
import sys


class Tally:
    def __init__(self):
        self.rows = {}  # what was tried: a Counter of what happened
        self.skips = []
        self.failures = []

    def count(self, what, happened, times=1):
        self.rows.setdefault(what, collections.Counter())[happened] += times

    def fail(self, what, why, repeat):
        """`repeat`: the arguments that do the same again."""
        self.count(what, "FAILED")
        self.failures.append((what, why, repeat))
        print(f"FAILED: {what}: {why}\n  again: {repeat}", flush=True)

    def check(self, what, why, repeat, happened):
        """Counts `happened`, or, where there is a `why` not, the failure."""
        if why:
            self.fail(what, why, repeat)
        else:
            self.count(what, happened)

    def skip(self, what, why):
        self.skips.append((what, why))

    def finish(self):
        """Prints the table and exits."""
        width = max([len(what) for what in self.rows] + [len(what) for what, _ in self.skips] + [4])
        print(f"{'what was tried':<{width}}  {'times':>6}  what happened")
        for what, happened in sorted(self.rows.items()):
            outcomes = ", ".join(f"{outcome} {times}" for outcome, times in happened.most_common())
            print(f"{what:<{width}}  {happened.total():>6}  {outcomes}")
        for what, why in self.skips:
            print(f"{what:<{width}}  {'-':>6}  not tried: {why}")
        total = sum(happened.total() for happened in self.rows.values())
        if self.failures:
            print(f"{len(self.failures)} of {total} FAILED")
            for what, why, repeat in self.failures[:20]:
                print(f"  {what}: {why.splitlines()[0][:200]}\n    again: {repeat}")
            sys.exit(1)
        if total == 0:
            sys.exit("nothing was tried")
        print(f"{total} tried, 0 failed")
