// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** The bight command line, the first user of the public API. */
@NullMarked
package io.bight.cli;

import org.jspecify.annotations.NullMarked;
