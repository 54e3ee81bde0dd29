"""The REST resources, one file per noun. Each lists its routes and answers them."""
