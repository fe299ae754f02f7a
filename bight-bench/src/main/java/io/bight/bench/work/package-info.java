// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** What each client does while it is measured, and what is counted meanwhile. */
@NullMarked
package io.bight.bench.work;

import org.jspecify.annotations.NullMarked;
