"""What tests, benchmarks and tools share: servers, providers that cost nothing, handles on the engine."""
