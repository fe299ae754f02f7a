// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

/** The four ways to drive a client's loop, as the demo names them. */
enum DrivingMode {
  LOOP("loop(50 ms)", "loop", "my thread calls loop.loop(50 ms) again and again", "36"),
  LOOP_START("loopStart", "start", "a thread of the library's drives", "32"),
  LOOP_FOREVER("loopForever", "forever", "my thread is the loop until it is told to stop", "35"),
  BLOCKING("blocking", "blocking", "nobody drives: whoever waits for a message does", "34");

  /** What the demo calls it. */
  final String label;

  /** What the client's name ends with. */
  final String suffix;

  final String explanation;

  /** The number of its colour in a terminal. */
  final String colour;

  DrivingMode(String label, String suffix, String explanation, String colour) {
    this.label = label;
    this.suffix = suffix;
    this.explanation = explanation;
    this.colour = colour;
  }
}
