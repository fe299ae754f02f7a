// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.mqtt.MqttVersion;
import java.util.function.Supplier;

/**
 * What a test does to whom.
 *
 * @param name of the test, also of its folder
 * @param broker starts the broker
 * @param publisherVersion of the protocol
 * @param consumerVersion of the protocol
 * @param cuts whether the broker goes away and comes back now and then
 * @param promise what the broker keeps to when that happens
 * @param lives how often each program is killed
 * @param seed what all chance comes from
 */
record KillPlan(
    String name,
    Supplier<KilledBroker> broker,
    MqttVersion publisherVersion,
    MqttVersion consumerVersion,
    boolean cuts,
    Promise promise,
    int lives,
    long seed) {

  /** What a broker that goes away keeps to. Far from its end everything holds in each case. */
  enum Promise {
    /** Nothing lost, nothing twice. */
    EXACT,
    /** Nothing lost; what was being delivered when it ended may come twice, also at QoS 2. */
    NOTHING_LOST,
    /** What it had acknowledged and not saved when it ended may be lost, or come twice. */
    SINCE_LAST_SAVE
  }

  @Override
  public String toString() {
    return name
        + ": "
        + lives
        + " lives, publisher "
        + publisherVersion
        + ", consumer "
        + consumerVersion
        + ", -Dkill.seed="
        + seed;
  }
}
