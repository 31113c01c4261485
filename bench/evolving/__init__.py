"""What proves that prompts improve and never get worse, without any language model."""
