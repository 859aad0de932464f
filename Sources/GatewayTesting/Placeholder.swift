// Placeholder until the suites are here.
