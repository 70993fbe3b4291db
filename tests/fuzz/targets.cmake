# The fuzz targets: NAME is NAME_target.cc, which finds its reader in the sources that follow. None needs LibTorch.
set(fuzz_targets
  blob
  colmap_model
  database
  exif
  image
  lists
  match_list
  pth
  safetensors
  tensor_coding
  training_files)
