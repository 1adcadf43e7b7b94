"""Weights as files: PEFT adapters, safetensors folders and GGUFs, read without running a model.

In: folders and files of a base, an adapter, a merged model. Out: the adapter as a GGUF that llama.cpp loads, and a
report on whether the adapter is in the merged model.
"""
