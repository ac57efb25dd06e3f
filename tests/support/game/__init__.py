"""A token game written from the BPMN 2.0 standard alone, to compare the kernel with. Knows nothing of `engine`."""
