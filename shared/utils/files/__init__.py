"""Read and change the files of the workspace."""
