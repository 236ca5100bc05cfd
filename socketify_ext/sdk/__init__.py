"""What an extension declares, and how it is checked, ordered and compiled; knows neither the core nor pluggy."""
