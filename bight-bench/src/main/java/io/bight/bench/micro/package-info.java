// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** Benchmarks of single parts with JMH. */
@NullMarked
package io.bight.bench.micro;

import org.jspecify.annotations.NullMarked;
