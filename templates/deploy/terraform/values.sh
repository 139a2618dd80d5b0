# shellcheck shell=bash
folder="environments/$ENVIRONMENT"
values=("-var-file=$folder/settings.tfvars.json" "-var-file=$folder/images.tfvars.json")
