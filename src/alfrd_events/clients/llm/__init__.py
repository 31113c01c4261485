"""Clients of large language models: Bedrock, and every server that speaks OpenAI's protocol."""
