"""The memory management of Linux 2.6.26-rc5-mm3, modelled: state, primitives, designs, paths, tasks."""
