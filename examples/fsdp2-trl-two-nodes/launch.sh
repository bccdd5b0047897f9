#!/usr/bin/env bash
accelerate launch --config_file accelerate.yaml sft.py --config sft.yaml
