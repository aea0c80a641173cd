"""The command line: noun, verb, object, with the same words as the SDK. A command calls an operation and prints."""
