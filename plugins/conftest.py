"""What the tests of all plugins share."""

from hypothesis import HealthCheck, settings

# No test asserts a time: a loaded machine is slow, and nothing is wrong.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
