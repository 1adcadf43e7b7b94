"""What answers behind a backend: llama.cpp in this process, weights in torch, an Ollama server.

In: files of weights or an address, and settings. Out: completions of single requests or batches; several backends of a
run share one copy of the weights.
"""
