// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** The rounds of a run, and their medians as a table, JSON and a picture. */
@NullMarked
package io.bight.bench.report;

import org.jspecify.annotations.NullMarked;
