// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import io.bight.mqtt.engine.StoredSubscription;
import io.bight.mqtt.engine.StoredSubscription.State;
import java.util.ArrayList;
import java.util.List;

/** What a program has asked for last about each topic, in whatever life. */
final class Requests {
  /** A subscription that is asked for, or its end. */
  static final class Request {
    final boolean subscribes;
    final int qos;
    final int topic;
    private boolean told;
    private boolean succeeded;

    /** Whether the store has it, so that the process goes on with it. */
    private boolean isGoneOnWith;

    private Request(boolean subscribes, int topic, int qos) {
      this.subscribes = subscribes;
      this.topic = topic;
      this.qos = qos;
    }

    void onAnswer(boolean success) {
      if (told) {
        throw new Violation("the answer to a request is told twice");
      }
      told = true;
      succeeded = success;
      if (success && topic == Topics.FORBIDDEN && subscribes) {
        throw new Violation("a subscription that was refused has succeeded");
      }
    }
  }

  private final Request[] last = new Request[Topics.ALL];

  Request add(boolean subscribes, int topic, int qos) {
    last[topic] = new Request(subscribes, topic, qos);
    return last[topic];
  }

  /** A process begins that hears what becomes of what the store has, and need not ask again. */
  void goOnWith(SimulatedStore store) {
    for (Request request : last) {
      if (request != null) {
        request.isGoneOnWith = !request.told && isAsked(request, store);
      }
    }
  }

  /** Subscriptions were not made as they were, and nobody says which. */
  void onResubscribeFailure() {
    for (Request request : last) {
      if (request != null) {
        request.isGoneOnWith = false;
      }
    }
  }

  /** Returns what a new process has to ask for again. */
  List<Request> unsettled(SimulatedStore store) {
    List<Request> unsettled = new ArrayList<>();
    for (Request request : last) {
      if (request != null
          && !request.isGoneOnWith
          && (!request.told || (request.succeeded && !isKept(request, store)))) {
        unsettled.add(request);
      }
    }
    return unsettled;
  }

  private static boolean isKept(Request request, SimulatedStore store) {
    StoredSubscription kept = store.subscriptions().get(Topics.name(request.topic));
    boolean isWanted = kept != null && kept.state() != State.UNWANTED;
    return request.subscribes
        ? isWanted && kept.subscription().qos().code() == request.qos
        : !isWanted;
  }

  private static boolean isAsked(Request request, SimulatedStore store) {
    StoredSubscription kept = store.subscriptions().get(Topics.name(request.topic));
    return kept != null
        && (request.subscribes
            ? kept.state() == State.ASKED && kept.subscription().qos().code() == request.qos
            : kept.state() == State.UNWANTED);
  }

  /** Checks that the server has the subscriptions that are wanted, and no others. */
  void verify(ServerSession session) {
    for (int topic = 0; topic < Topics.ALL; topic++) {
      Request request = last[topic];
      int granted = session.subscriptions[topic];
      if (request == null && granted >= 0) {
        throw new Violation("nobody asked for the subscription to " + Topics.name(topic));
      }
      if (request == null || !(request.succeeded || request.isGoneOnWith)) {
        continue; // what was not answered in the end may be or not
      }
      int expected = request.subscribes ? request.qos : -1;
      if (granted != expected) {
        throw new Violation(
            "the subscription to "
                + Topics.name(topic)
                + " is "
                + granted
                + " at the server, and the program wants "
                + expected);
      }
    }
  }
}
