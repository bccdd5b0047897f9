#!/usr/bin/env bash
# Four processes on one node. torchrun gives each of them one CPU thread unless OMP_NUM_THREADS says otherwise.
torchrun --nproc_per_node 4 train.py train.yaml
