// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import io.bight.mqtt.MqttDisconnectedException;
import io.bight.mqtt.MqttException;
import io.bight.mqtt.MqttReasonException;
import io.bight.mqtt.Properties;
import io.bight.mqtt.Property;
import io.bight.mqtt.Qos;
import io.bight.mqtt.ReasonCode;
import io.bight.mqtt.RetainHandling;
import io.bight.mqtt.Topics;
import io.bight.mqtt.engine.StoredSubscription.State;
import io.bight.mqtt.packet.Packet;
import io.bight.mqtt.packet.Suback;
import io.bight.mqtt.packet.Subscribe;
import io.bight.mqtt.packet.Subscription;
import io.bight.mqtt.packet.Unsuback;
import io.bight.mqtt.packet.Unsubscribe;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * SUBSCRIBE and UNSUBSCRIBE from the command to the server's answer [MQTT 5.0, sections 3.8 to
 * 3.11]. A request waits for the connection, and one whose answer was lost with a connection is
 * made again on the next, by the next process too if there is a store: the application asked once
 * and is told once. On a new session, subscriptions wanted are made again.
 */
final class Requests {
  /** How many topic filters of a lost session go into one SUBSCRIBE. */
  private static final int FILTERS_PER_RESUBSCRIBE = 100;

  /** A server that ends this many connections over a request is not asked again. */
  private static final int MOST_LOST_ANSWERS = 5;

  /** Fixed header, packet identifier, property length and a Subscription Identifier. */
  private static final int SUBSCRIBE_OVERHEAD_BYTES = 5 + 2 + 1 + 5;

  private static final Set<Request> NONE = Set.of();

  /** Serves all clients until they have a request. */
  private static final ArrayDeque<Request> NONE_WAITING = new ArrayDeque<>(0);

  private final MqttEngine engine;
  private final Session session;
  private final SessionKeeper keeper;
  private final EngineListener listener;

  /** Requests that wait to be sent, in their order; {@link #waiting()} is for adding one. */
  private ArrayDeque<Request> waiting = NONE_WAITING;

  /** Requests sent on the current connection, in order. */
  private Set<Request> unanswered = NONE;

  /**
   * UNSUBSCRIBE that wait to be sent or answered, in their order, by topic filter; {@link Map#of()}
   * while there is none.
   */
  private Map<String, ArrayDeque<UnsubscribeRequest>> unsubscribing = Map.of();

  /** The number of the last request but for resubscriptions. */
  private long lastNumber;

  Requests(MqttEngine engine, Session session, SessionKeeper keeper, EngineListener listener) {
    this.engine = engine;
    this.session = session;
    this.keeper = keeper;
    this.listener = listener;
  }

  /** A SUBSCRIBE or UNSUBSCRIBE; compared by identity. */
  abstract static class Request {
    int packetIdentifier;

    /** Its place among the requests; 0: a resubscription, which goes before all that wait. */
    long number;

    /** How many connections have ended between this request and its answer. */
    int lostAnswers;

    /** Whether it goes on with what an earlier process asked for. */
    boolean isRestored;

    abstract Packet packet();

    abstract Set<String> topicFilters();

    abstract Completion<?> completion();

    /** Returns what a store keeps of a topic filter until the answer has come. */
    abstract StoredSubscription toStored(String topicFilter);

    void fail(MqttException failure) {
      completion().onFailure(failure);
    }
  }

  /**
   * Of a request that nobody waits for: it was made again for a new session, or after a restart.
   */
  private final class Unawaited<T> implements Completion<T> {
    @Override
    public void onSuccess(T result) {}

    @Override
    public void onFailure(MqttException failure) {
      listener.onResubscribeFailure(failure);
    }

    @Override
    public void onKept(MqttException failure) {}
  }

  private static final class SubscribeRequest extends Request {
    final List<Subscription> subscriptions;
    final Properties properties;
    final Completion<SubscribeResult> completion;
    final boolean isResubscription;

    SubscribeRequest(
        List<Subscription> subscriptions,
        Properties properties,
        Completion<SubscribeResult> completion,
        boolean isResubscription) {
      this.isResubscription = isResubscription;
      this.subscriptions = subscriptions;
      this.properties = properties;
      this.completion = completion;
    }

    @Override
    Packet packet() {
      return new Subscribe(packetIdentifier, subscriptions, properties);
    }

    @Override
    Set<String> topicFilters() {
      Set<String> filters = new LinkedHashSet<>();
      subscriptions.forEach(subscription -> filters.add(subscription.topicFilter()));
      return filters;
    }

    @Override
    Completion<SubscribeResult> completion() {
      return completion;
    }

    @Override
    StoredSubscription toStored(String topicFilter) {
      Subscription asked = subscriptions.get(0);
      for (Subscription subscription : subscriptions) {
        asked = subscription.topicFilter().equals(topicFilter) ? subscription : asked;
      }
      int identifier = properties.get(Property.SUBSCRIPTION_IDENTIFIER, 0);
      return new StoredSubscription(asked, identifier, State.ASKED);
    }
  }

  private static final class UnsubscribeRequest extends Request {
    final List<String> filters;
    final Properties properties;
    final Completion<UnsubscribeResult> completion;

    UnsubscribeRequest(
        List<String> filters, Properties properties, Completion<UnsubscribeResult> completion) {
      this.filters = filters;
      this.properties = properties;
      this.completion = completion;
    }

    @Override
    Packet packet() {
      return new Unsubscribe(packetIdentifier, filters, properties);
    }

    @Override
    Set<String> topicFilters() {
      return new LinkedHashSet<>(filters);
    }

    @Override
    Completion<UnsubscribeResult> completion() {
      return completion;
    }

    @Override
    StoredSubscription toStored(String topicFilter) {
      return new StoredSubscription(
          new Subscription(topicFilter, Qos.AT_MOST_ONCE), 0, State.UNWANTED);
    }
  }

  // ---- commands

  void subscribe(
      List<Subscription> subscriptions,
      Properties properties,
      Completion<SubscribeResult> completion) {
    request(new SubscribeRequest(List.copyOf(subscriptions), properties, completion, false));
  }

  void unsubscribe(
      List<String> filters, Properties properties, Completion<UnsubscribeResult> completion) {
    filters.forEach(Topics::requireFilter);
    filters.forEach(session.wanted::remove);
    request(new UnsubscribeRequest(List.copyOf(filters), properties, completion));
  }

  private void request(Request request) {
    await(request);
    ConnectionState connection = engine.connectionOrNull();
    if (connection != null && connection.accepted) {
      sendWaiting(connection);
    }
  }

  /** A request waits to be sent; until it is answered, it is what the store has to know. */
  private void await(Request request) {
    number(request);
    waiting().add(request);
    for (String filter : request.topicFilters()) {
      Request before = session.ask(filter, request);
      // What an earlier process asked for and nobody here waits for need not be sent any more.
      if (before != null && before.isRestored && waiting.remove(before)) {
        onDone(before);
      }
      keeper.putSubscription(filter);
    }
  }

  private void number(Request request) {
    request.number = ++lastNumber;
    if (request instanceof UnsubscribeRequest unsubscribe) {
      if (unsubscribing.isEmpty()) {
        unsubscribing = new HashMap<>();
      }
      for (String filter : unsubscribe.filters) {
        unsubscribing.computeIfAbsent(filter, none -> new ArrayDeque<>(1)).add(unsubscribe);
      }
    }
  }

  /** A request is done: what is known of its topic filters is what a later one asks, or no one. */
  private void onDone(Request request) {
    if (request instanceof UnsubscribeRequest unsubscribe) {
      forget(unsubscribe);
    }
    for (String filter : request.topicFilters()) {
      if (session.leaveAsked(filter, request)) {
        keeper.putSubscription(filter);
      }
    }
  }

  /** Returns those that wait, to add one. */
  private ArrayDeque<Request> waiting() {
    if (waiting == NONE_WAITING) {
      waiting = new ArrayDeque<>(2);
    }
    return waiting;
  }

  // ---- sending

  /**
   * The server has accepted the connection.
   *
   * @param isUncertain whether the session that is present may be a new one
   */
  void onConnected(ConnectionState connection, boolean sessionPresent, boolean isUncertain) {
    if (!sessionPresent) {
      forgetGrants();
    }
    resubscribe(connection, isUncertain);
    if (sessionPresent && isUncertain) {
      forgetGrants(); // also for a process that begins before the answers have come
    }
    sendWaiting(connection);
  }

  private void forgetGrants() {
    session.wanted.replaceAll((filter, wanted) -> wanted.notGranted());
    session.wanted.keySet().forEach(keeper::putSubscription);
  }

  /** Takes over what a store has kept: what an earlier process was not answered is asked anew. */
  void restore(List<StoredSubscription> kept) {
    for (StoredSubscription stored : kept) {
      String filter = stored.subscription().topicFilter();
      Request unanswered =
          switch (stored.state()) {
            case GRANTED, LOST -> null;
            case ASKED ->
                new SubscribeRequest(
                    List.of(stored.subscription()),
                    identifierProperty(stored.identifier()),
                    new Unawaited<>(),
                    false);
            case UNWANTED ->
                new UnsubscribeRequest(List.of(filter), Properties.NONE, new Unawaited<>());
          };
      if (unanswered == null) {
        session.want(filter, Session.WantedSubscription.of(stored));
      } else {
        unanswered.isRestored = true;
        number(unanswered);
        waiting().add(unanswered);
        session.ask(filter, unanswered);
      }
    }
  }

  /** Sends what waits, as far as there are packet identifiers. */
  void sendWaiting(ConnectionState connection) {
    while (!session.packetIdentifiers.isExhausted()
        && engine.connectionOrNull() == connection
        && !waiting.isEmpty()) {
      send(connection, waiting.remove());
    }
  }

  private void send(ConnectionState connection, Request request) {
    request.packetIdentifier = session.packetIdentifiers.take(request);
    MqttException refusal = refusalOf(connection, request);
    if (refusal != null) {
      session.packetIdentifiers.release(request.packetIdentifier);
      onDone(request);
      request.fail(refusal);
      return;
    }
    if (unanswered.isEmpty()) {
      unanswered = new LinkedHashSet<>();
    }
    unanswered.add(request);
    engine.sent().send(connection, request.packet());
  }

  private @Nullable MqttException refusalOf(ConnectionState connection, Request request) {
    if (request.lostAnswers == MOST_LOST_ANSWERS) {
      return new MqttDisconnectedException(
          engine.describe()
              + " asked for "
              + request.packet().type()
              + " of "
              + request.topicFilters()
              + " on "
              + request.lostAnswers
              + " connections, and each ended before the answer came; it is not asked for again",
          null);
    }
    ServerLimits limits = connection.limits;
    if (limits == null) {
      return null;
    }
    long length;
    try {
      length = connection.encoder.encodedLength(request.packet());
    } catch (IllegalArgumentException e) {
      return new MqttException(
          engine.describe()
              + " cannot send "
              + request.packet().type()
              + " for "
              + request.topicFilters()
              + ": "
              + e.getMessage(),
          e);
    }
    if (length > limits.maximumPacketSizeBytes()) {
      return refusal(
          request,
          ReasonCode.PACKET_TOO_LARGE,
          "the packet would have "
              + length
              + " bytes and the server accepts "
              + limits.maximumPacketSizeBytes()
              + " [MQTT-3.2.2-15]");
    }
    if (!(request instanceof SubscribeRequest subscribe)) {
      return null;
    }
    if (connection.isVersion5()
        && !limits.subscriptionIdentifierAvailable()
        && subscribe.properties.has(Property.SUBSCRIPTION_IDENTIFIER)) {
      return refusal(
          request,
          ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
          "the server does not support subscription identifiers");
    }
    for (Subscription subscription : subscribe.subscriptions) {
      ReasonCode reason = limits.refusalOf(subscription);
      if (reason != null) {
        return refusal(request, reason, "the server says " + reason);
      }
    }
    return null;
  }

  private MqttReasonException refusal(Request request, ReasonCode reason, String why) {
    return new MqttReasonException(
        engine.describe()
            + " did not send "
            + request.packet().type()
            + " for "
            + request.topicFilters()
            + ": "
            + why,
        reason,
        null);
  }

  // ---- answers

  /** Returns false if no SUBSCRIBE waits for this answer, or if it has not one code per filter. */
  boolean onSuback(ConnectionState connection, Suback suback) {
    if (!(session.packetIdentifiers.get(suback.packetIdentifier())
            instanceof SubscribeRequest request)
        || suback.reasonCodes().size() != request.subscriptions.size()) {
      return false;
    }
    List<String> refused = new ArrayList<>();
    ReasonCode firstRefusal = null;
    for (int i = 0; i < request.subscriptions.size(); i++) {
      Subscription subscription = request.subscriptions.get(i);
      ReasonCode reason = suback.reasonCodes().get(i);
      if (reason.isError()) {
        firstRefusal = firstRefusal == null ? reason : firstRefusal;
        refused.add("'" + subscription.topicFilter() + "': " + reason);
      } else if (!isUnwantedSince(request, subscription.topicFilter())) {
        onGranted(request, subscription);
      }
    }
    answered(request);
    if (firstRefusal == null) {
      request.completion.onSuccess(
          new SubscribeResult(request.subscriptions, suback.reasonCodes(), suback.properties()));
    } else {
      String reasonString = suback.properties().get(Property.REASON_STRING);
      request.fail(
          new MqttReasonException(
              engine.describe()
                  + " was refused a subscription to "
                  + String.join(", ", refused)
                  + (reasonString == null ? "" : ", \"" + reasonString + "\""),
              firstRefusal,
              reasonString));
    }
    return true;
  }

  private void onGranted(SubscribeRequest request, Subscription subscription) {
    Session.WantedSubscription before = session.wanted.get(subscription.topicFilter());
    // A resubscription may have gone out with another Retain Handling than is wanted.
    Subscription wanted =
        request.isResubscription && before != null ? before.subscription() : subscription;
    int identifier = request.properties.get(Property.SUBSCRIPTION_IDENTIFIER, 0);
    var granted = new Session.WantedSubscription(wanted, identifier, true);
    if (!granted.equals(before)) {
      session.want(wanted.topicFilter(), granted);
      if (session.lastAsked(wanted.topicFilter()) != request) { // else when the request is done
        keeper.putSubscription(wanted.topicFilter());
      }
    }
  }

  /** Returns false if no UNSUBSCRIBE waits for this answer, or if codes and filters differ. */
  boolean onUnsuback(ConnectionState connection, Unsuback unsuback) {
    if (!(session.packetIdentifiers.get(unsuback.packetIdentifier())
            instanceof UnsubscribeRequest request)
        || (connection.isVersion5() && unsuback.reasonCodes().size() != request.filters.size())) {
      return false;
    }
    answered(request);
    ReasonCode firstRefusal = null;
    for (ReasonCode reason : unsuback.reasonCodes()) {
      firstRefusal = firstRefusal == null && reason.isError() ? reason : firstRefusal;
    }
    if (firstRefusal == null) {
      request.completion.onSuccess(
          new UnsubscribeResult(request.filters, unsuback.reasonCodes(), unsuback.properties()));
    } else {
      String reasonString = unsuback.properties().get(Property.REASON_STRING);
      request.fail(
          new MqttReasonException(
              engine.describe()
                  + " could not unsubscribe from "
                  + request.filters
                  + "; the server answered "
                  + unsuback.reasonCodes()
                  + (reasonString == null ? "" : ", \"" + reasonString + "\""),
              firstRefusal,
              reasonString));
    }
    return true;
  }

  private void answered(Request request) {
    unanswered.remove(request);
    session.packetIdentifiers.release(request.packetIdentifier);
    if (unanswered.isEmpty()) {
      unanswered = NONE;
    }
    onDone(request);
  }

  private void forget(UnsubscribeRequest request) {
    for (String filter : request.filters) {
      unsubscribing.computeIfPresent(
          filter,
          (same, requests) -> {
            requests.remove(request);
            return requests.isEmpty() ? null : requests;
          });
    }
    if (unsubscribing.isEmpty()) {
      unsubscribing = Map.of();
    }
  }

  /** Tells whether an UNSUBSCRIBE that was asked for later than a request is on its way. */
  private boolean isUnwantedSince(SubscribeRequest request, String topicFilter) {
    ArrayDeque<UnsubscribeRequest> unsubscribes = unsubscribing.get(topicFilter);
    return unsubscribes != null && unsubscribes.getLast().number > request.number;
  }

  // ---- connections and sessions

  /** Requests whose answer can no longer come go back in front, in their order. */
  void onConnectionEnded() {
    List<Request> again = new ArrayList<>(unanswered);
    unanswered = NONE;
    for (int i = again.size() - 1; i >= 0; i--) {
      session.packetIdentifiers.release(again.get(i).packetIdentifier);
      again.get(i).lostAnswers++;
      waiting().addFirst(again.get(i));
    }
  }

  /**
   * Asks for what the server has not granted in this session, except what a waiting request is
   * about anyway.
   *
   * @param all whether it may not know of those that it granted, either
   */
  private void resubscribe(ConnectionState connection, boolean all) {
    Map<String, Session.WantedSubscription> lost = new LinkedHashMap<>();
    session.wanted.forEach(
        (filter, wanted) -> {
          if (all || !wanted.granted()) {
            lost.put(filter, wanted);
          }
        });
    if (lost.isEmpty()) {
      return;
    }
    waiting.forEach(request -> lost.keySet().removeAll(request.topicFilters()));
    // What the server says it will refuse is kept apart, so that the rest is granted.
    Map<List<Object>, List<Subscription>> groups = new LinkedHashMap<>();
    for (Session.WantedSubscription wanted : lost.values()) {
      boolean refused =
          connection.limits != null && connection.limits.refusalOf(wanted.subscription()) != null;
      groups
          .computeIfAbsent(List.of(wanted.identifier(), refused), none -> new ArrayList<>())
          .add(wanted.granted() ? ifNew(wanted.subscription()) : wanted.subscription());
    }
    List<Request> requests = new ArrayList<>();
    groups.forEach(
        (group, subscriptions) -> {
          int identifier = (int) group.get(0);
          for (List<Subscription> fitting : inFittingParts(connection, subscriptions)) {
            requests.add(resubscription(fitting, identifier));
          }
        });
    for (int i = requests.size() - 1; i >= 0; i--) {
      waiting().addFirst(requests.get(i));
    }
  }

  /** A subscription that the server may well have: it need not send what it retains again. */
  private static Subscription ifNew(Subscription subscription) {
    return subscription.retainHandling() == RetainHandling.SEND
        ? subscription.withRetainHandling(RetainHandling.SEND_IF_NEW)
        : subscription;
  }

  private static List<List<Subscription>> inFittingParts(
      ConnectionState connection, List<Subscription> subscriptions) {
    long maximumBytes =
        connection.limits == null ? Long.MAX_VALUE : connection.limits.maximumPacketSizeBytes();
    List<List<Subscription>> parts = new ArrayList<>();
    List<Subscription> part = new ArrayList<>();
    long bytes = SUBSCRIBE_OVERHEAD_BYTES;
    for (Subscription subscription : subscriptions) {
      long more = 3L + 3L * subscription.topicFilter().length(); // three bytes a character at most
      if (!part.isEmpty()
          && (part.size() == FILTERS_PER_RESUBSCRIBE || bytes + more > maximumBytes)) {
        parts.add(part);
        part = new ArrayList<>();
        bytes = SUBSCRIBE_OVERHEAD_BYTES;
      }
      part.add(subscription);
      bytes += more;
    }
    if (!part.isEmpty()) {
      parts.add(part);
    }
    return parts;
  }

  private SubscribeRequest resubscription(List<Subscription> subscriptions, int identifier) {
    return new SubscribeRequest(
        List.copyOf(subscriptions), identifierProperty(identifier), new Unawaited<>(), true);
  }

  private static Properties identifierProperty(int identifier) {
    return identifier == 0
        ? Properties.NONE
        : Properties.builder().set(Property.SUBSCRIPTION_IDENTIFIER, identifier).build();
  }

  /** The client ends: whoever waits is told. The store keeps what it has. */
  void failAll(MqttException failure) {
    onConnectionEnded();
    List<Request> all = new ArrayList<>(waiting);
    waiting = NONE_WAITING;
    unsubscribing = Map.of();
    for (Request request : all) {
      request.completion().onKept(failure); // a failure for whoever waits for it
    }
  }
}
