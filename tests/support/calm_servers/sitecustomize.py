"""Python imports this at its start, in processes that have this folder in PYTHONPATH: their servers rest soon.

After each event the core's loop turns 10,000 times before it waits, some tenths of a second of a whole processor, which
the tests beside it lack. Here it turns 100 times, and then waits as it would have later.
"""

import importlib.abc
import importlib.util
import sys

TURNS, MANY = 100, 10_000


class CoreLoop(importlib.abc.MetaPathFinder):
    """Find the core's loop, once, and change it when it is loaded; nothing is imported before."""

    def find_spec(self, name, path, target=None):
        if name != "socketify.loop":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def load_calmer(module):
            load(module)
            keep_alive = module.Loop._keep_alive

            def calmer(self):
                if TURNS < self._idle_count < MANY:
                    self._idle_count = MANY
                keep_alive(self)

            module.Loop._keep_alive = calmer

        spec.loader.exec_module = load_calmer
        return spec


sys.meta_path.insert(0, CoreLoop())
