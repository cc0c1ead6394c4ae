# SPDX-License-Identifier: Apache-2.0
"""What histories say: hours off, energy, outcomes, times to come back."""
