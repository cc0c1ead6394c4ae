#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# DevStack's plugin of watcher-metal-drivers. Enable it after Watcher's.

_XTRACE_METAL_DRIVERS=$(set +o | grep xtrace)
set +o xtrace

function install_metal_drivers {
    local extras=
    if [[ -n "$METAL_DRIVERS_MAAS_URL" ]]; then
        extras=maas
    fi
    setup_develop "$METAL_DRIVERS_DIR" $extras
}

function configure_metal_drivers {
    local maas=watcher.metal.drivers.maas
    iniset "$WATCHER_CONF" metal_drivers driver "$METAL_DRIVERS_DRIVER"
    iniset "$WATCHER_CONF" metal_drivers protected_hosts \
        "$METAL_DRIVERS_PROTECTED_HOSTS"
    if [[ -n "$METAL_DRIVERS_MAAS_URL" ]]; then
        iniset "$WATCHER_CONF" $maas url "$METAL_DRIVERS_MAAS_URL"
        iniset "$WATCHER_CONF" $maas api_key_file \
            "$METAL_DRIVERS_MAAS_API_KEY_FILE"
    fi
    iniset "$WATCHER_CONF" nova region_name "$REGION_NAME"
}

if is_service_enabled watcher-decision-engine watcher-applier; then
    if [[ "$1" == "stack" && "$2" == "install" ]]; then
        echo_summary "Installing watcher-metal-drivers"
        install_metal_drivers
    elif [[ "$1" == "stack" && "$2" == "post-config" ]]; then
        # Watcher's plugin, which comes first, has just made the file. It
        # starts its services in the next phase.
        echo_summary "Configuring watcher-metal-drivers"
        configure_metal_drivers
    fi
fi

$_XTRACE_METAL_DRIVERS
