// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.MqttClient.State;
import io.bight.mqtt.Qos;
import io.bight.mqtt.Topics;
import io.bight.mqtt.engine.PublishResult;
import io.bight.mqtt.engine.SubscribeResult;
import io.bight.mqtt.engine.UnsubscribeResult;
import io.bight.mqtt.packet.Publish;
import io.bight.mqtt.packet.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many clients as one: of one server or of several, on one loop or spread over several, with one
 * set of callbacks. What is asked of the group is asked of every client, and there is one result
 * for each: one client's failure does not stop the others.
 *
 * <pre>{@code
 * try (MqttGroup group = MqttGroup.builder()
 *     .onMessage(message -> handle(message.client().server(), message))
 *     .build()) {
 *   group.add("mqtt://localhost");
 *   group.add("wss://broker.example/mqtt", client -> client.credentials("me", secret));
 *   group.subscribe("house/#", Qos.AT_LEAST_ONCE);
 *   group.loopStart();
 *   group.connect(Duration.ofSeconds(10)).orThrow();
 *   GroupResult<PublishResult> sent =
 *       group.publish("house/door", "open", Qos.AT_LEAST_ONCE).await(Duration.ofSeconds(5));
 *   sent.failures().forEach((client, failure) -> log(client.server(), failure));
 * }
 * }</pre>
 *
 * <p>No more than {@link MqttGroupBuilder#connectConcurrency} clients connect at a time, whether
 * for the first time or after their server was restarted.
 *
 * <p>The group's loops are its own. One is driven as any other: by {@link #loopStart}, {@link
 * #loopForever}, {@link #loop}, or a blocking call. Several are driven by {@link #loopStart}, each
 * on a thread of its own, so that callbacks of different clients may come at the same time; while
 * nobody drives them, a blocking call drives all of them until it is done. All methods may be
 * called by any thread, and inside callbacks where it is not said otherwise.
 */
public final class MqttGroup implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MqttGroup.class);
  private static final Duration DEFAULT_CLOSE_TIMEOUT = Duration.ofSeconds(5);
  private static final int MOST_CLIENTS_TOLD = 10;

  private final String name;
  private final LoopSet loops;
  private final ConnectGate connectGate;
  private final int connectConcurrency;
  private final List<Consumer<MqttClientBuilder>> common;

  /** How many clients are connected; written by the drivers. */
  private final AtomicInteger connected = new AtomicInteger();

  /** Who waits until all are connected. */
  private final Queue<MqttFuture<Void>> awaitingAll = new ConcurrentLinkedQueue<>();

  // Guarded by this
  private final Set<MqttClient> clients = new LinkedHashSet<>();
  private final Map<String, GroupSubscription> subscriptions = new LinkedHashMap<>();
  private boolean closed;

  /** What clients that are added later subscribe to as well. */
  private record GroupSubscription(Subscription subscription, @Nullable Consumer<Message> handler) {
    MqttFuture<SubscribeResult> apply(MqttClient client) {
      return handler == null
          ? client.subscribe(List.of(subscription))
          : client.subscribe(subscription.topicFilter(), subscription.qos(), handler);
    }
  }

  MqttGroup(MqttGroupBuilder builder) {
    this.name = builder.name;
    this.connectConcurrency = builder.connectConcurrency;
    this.connectGate = new ConnectGate(connectConcurrency);
    this.common = List.copyOf(builder.common);
    List<MqttLoop> made = new ArrayList<>();
    for (int i = 1; i <= builder.loops; i++) {
      MqttLoop.Builder loop = MqttLoop.builder().daemon(builder.daemon);
      loop.name(builder.loops == 1 ? name : name + "-" + i);
      made.add((builder.nio ? loop.nio() : loop).build());
    }
    this.loops = new LoopSet(made);
  }

  /**
   * Makes a group with one loop and no callbacks.
   *
   * @return the group, without clients
   */
  public static MqttGroup create() {
    return builder().build();
  }

  /**
   * Starts a group with options.
   *
   * @return a builder with the defaults
   */
  public static MqttGroupBuilder builder() {
    return new MqttGroupBuilder();
  }

  // ---- clients

  /**
   * Adds a client with what all clients have in common. It is not connected; it subscribes to what
   * the group has subscribed to.
   *
   * @param uri where its server is
   * @return the client, on one of the group's loops
   * @throws IllegalArgumentException if the URI is not valid
   * @throws IllegalStateException if the group is closed
   */
  public MqttClient add(String uri) {
    return add(uri, client -> {});
  }

  /**
   * Adds a client with options of its own. It is not connected; it subscribes to what the group has
   * subscribed to.
   *
   * @param uri where its server is
   * @param options sets what is different for this client, after {@link
   *     MqttGroupBuilder#eachClient}
   * @return the client, on the loop of the group that has the fewest clients
   * @throws IllegalArgumentException if the URI is not valid, or an option is not allowed
   * @throws IllegalStateException if the group is closed
   */
  public MqttClient add(String uri, Consumer<MqttClientBuilder> options) {
    MqttClientBuilder builder = MqttClient.builder(uri);
    common.forEach(each -> each.accept(builder));
    options.accept(builder);
    MqttClient client;
    List<GroupSubscription> wanted;
    synchronized (this) {
      requireOpen();
      client = builder.buildFor(loops.leastLoaded());
      client.join(this);
      clients.add(client);
      wanted = List.copyOf(subscriptions.values());
    }
    client.onConnect(
        event -> {
          connected.incrementAndGet();
          lookWhetherAllAreConnected();
        });
    client.onDisconnect(event -> connected.decrementAndGet());
    wanted.forEach(subscription -> subscription.apply(client));
    return client;
  }

  private synchronized void requireOpen() {
    if (closed) {
      throw closedGroup();
    }
  }

  private IllegalStateException closedGroup() {
    return new IllegalStateException("the group '" + name + "' is closed; make a new one");
  }

  /**
   * Closes a client, which so leaves the group, as {@link MqttClient#close()} does too.
   *
   * @param client a client of this group
   * @return completes when it is closed
   * @throws IllegalArgumentException if it is not a client of this group
   */
  public MqttFuture<Void> remove(MqttClient client) {
    synchronized (this) {
      if (!clients.contains(client)) {
        throw new IllegalArgumentException(client + " is not in the group '" + name + "'");
      }
    }
    return client.closeAsync();
  }

  /**
   * Returns the clients.
   *
   * @return those that were added and not closed, in that order, as they are now
   */
  public synchronized List<MqttClient> clients() {
    return List.copyOf(clients);
  }

  // ---- what is asked of all

  /**
   * Connects every client and waits until each is connected or has failed.
   *
   * @return what the servers answered
   * @throws IllegalStateException if called inside a callback of the group, or the group is closed
   */
  public GroupResult<ConnectEvent> connect() {
    return connectAsync().await();
  }

  /**
   * Connects every client and waits until each is connected or has failed, but not longer than a
   * time; the attempts go on.
   *
   * @param timeout how long to wait at most
   * @return what the servers answered
   * @throws IllegalStateException if called inside a callback of the group, or the group is closed
   */
  public GroupResult<ConnectEvent> connect(Duration timeout) {
    return connectAsync().await(timeout);
  }

  /**
   * Connects every client, without waiting. Those that are connected stay so.
   *
   * @return completes when each is connected or has failed
   * @throws IllegalStateException if the group is closed
   */
  public GroupFuture<ConnectEvent> connectAsync() {
    requireOpen();
    return all("connecting", MqttClient::connectAsync);
  }

  /**
   * Disconnects every client in order, without waiting. They stay in the group.
   *
   * @return completes when all connections are closed
   */
  public GroupFuture<Void> disconnectAsync() {
    return all("disconnecting", MqttClient::disconnectAsync);
  }

  /**
   * Publishes a message to every server. Where there is no connection it waits in that client's
   * queue.
   *
   * @param message the message
   * @return completes when each client's publish is done, as {@link MqttClient#publish(Publish)}
   * @throws IllegalStateException if the group is closed
   */
  public GroupFuture<PublishResult> publish(Publish message) {
    Objects.requireNonNull(message, "message");
    requireOpen();
    return all(
        "publishing to '" + message.topic() + "' at QoS " + message.qos().code(),
        client -> client.publish(message));
  }

  /**
   * Publishes text in UTF-8 to every server.
   *
   * @param topic the topic name
   * @param payload the text
   * @param qos the quality of service
   * @return as {@link #publish(Publish)}
   * @throws IllegalArgumentException if the topic name is not allowed
   * @throws IllegalStateException if the group is closed
   */
  public GroupFuture<PublishResult> publish(String topic, String payload, Qos qos) {
    return publish(Publish.builder(topic).payload(payload).qos(qos).build());
  }

  /**
   * Subscribes every client, and those that are added later.
   *
   * @param topicFilter the topic filter
   * @param qos the highest QoS at which the servers may send
   * @return completes when each server has answered
   * @throws IllegalArgumentException if the topic filter is not allowed
   * @throws IllegalStateException if the group is closed
   */
  public GroupFuture<SubscribeResult> subscribe(String topicFilter, Qos qos) {
    return subscribe(new GroupSubscription(new Subscription(topicFilter, qos), null));
  }

  /**
   * Subscribes every client, and those that are added later, and handles the messages that match.
   *
   * @param topicFilter the topic filter
   * @param qos the highest QoS at which the servers may send
   * @param handler is given each message that matches, of whatever client
   * @return completes when each server has answered
   * @throws IllegalArgumentException if the topic filter is not allowed
   * @throws IllegalStateException if the group is closed
   */
  public GroupFuture<SubscribeResult> subscribe(
      String topicFilter, Qos qos, Consumer<Message> handler) {
    Objects.requireNonNull(handler, "handler");
    return subscribe(new GroupSubscription(new Subscription(topicFilter, qos), handler));
  }

  private GroupFuture<SubscribeResult> subscribe(GroupSubscription wanted) {
    String topicFilter = wanted.subscription().topicFilter();
    List<MqttClient> now;
    synchronized (this) { // a client that is added meanwhile subscribes once, here or there
      requireOpen();
      subscriptions.put(topicFilter, wanted);
      now = clients();
    }
    return each(now, "subscribing to '" + topicFilter + "'", wanted::apply);
  }

  /**
   * Unsubscribes every client, and removes the handlers that came with the subscriptions.
   *
   * @param topicFilters at least one
   * @return completes when each server has answered
   * @throws IllegalArgumentException if there is none, or one is not allowed
   * @throws IllegalStateException if the group is closed
   */
  public GroupFuture<UnsubscribeResult> unsubscribe(String... topicFilters) {
    List<String> filters = List.of(topicFilters);
    if (filters.isEmpty()) {
      throw new IllegalArgumentException("unsubscribe needs at least one topic filter");
    }
    filters.forEach(Topics::requireFilter);
    List<MqttClient> now;
    synchronized (this) {
      requireOpen();
      filters.forEach(subscriptions::remove);
      now = clients();
    }
    return each(now, "unsubscribing from " + filters, client -> client.unsubscribe(topicFilters));
  }

  private <T> GroupFuture<T> all(String what, Function<MqttClient, MqttFuture<T>> ask) {
    return each(clients(), what, ask);
  }

  private <T> GroupFuture<T> each(
      List<MqttClient> asked, String what, Function<MqttClient, MqttFuture<T>> ask) {
    Map<MqttClient, MqttFuture<T>> parts = new LinkedHashMap<>();
    asked.forEach(client -> parts.put(client, ask.apply(client)));
    return new GroupFuture<>(loops, what, parts);
  }

  // ---- state

  /**
   * Tells whether the group has clients and all of them are connected.
   *
   * @return true if {@link MqttClient#isConnected()} holds for each
   */
  public boolean isConnected() {
    List<MqttClient> now = clients();
    return !now.isEmpty() && now.stream().allMatch(MqttClient::isConnected);
  }

  /**
   * Returns what completes as soon as the group has clients and all of them are connected at the
   * same time. Unlike {@link #connectAsync()} it asks for nothing, and it outlasts failures.
   *
   * @return a future of its own for each call
   * @throws IllegalStateException if the group is closed
   */
  public MqttFuture<Void> whenAllConnected() {
    MqttFuture<Void> future =
        new GroupFuture.Stage<>(loops, "having all clients of '" + name + "' connected");
    synchronized (this) { // who comes before the end is told of it
      requireOpen();
      awaitingAll.add(future);
    }
    lookWhetherAllAreConnected();
    return future;
  }

  private void lookWhetherAllAreConnected() {
    if (awaitingAll.isEmpty()) {
      return;
    }
    int all;
    synchronized (this) {
      all = clients.size();
    }
    if (all > 0 && connected.get() == all) {
      for (MqttFuture<Void> future; (future = awaitingAll.poll()) != null; ) {
        future.complete(null);
      }
    }
  }

  /**
   * Counts the clients by state.
   *
   * @return how many clients are in each state that occurs
   */
  public Map<State, Integer> states() {
    Map<State, Integer> counts = new EnumMap<>(State.class);
    clients().forEach(client -> counts.merge(client.state(), 1, Integer::sum));
    return Collections.unmodifiableMap(counts);
  }

  /**
   * Returns the name.
   *
   * @return the name that was set, or made
   */
  public String name() {
    return name;
  }

  /**
   * Tells in words what the group is doing: a line for the group, one for each loop, and the
   * diagnostics of the first clients that are not connected. For people; the form may change.
   *
   * @return several lines
   */
  public String diagnostics() {
    List<MqttClient> missing =
        clients().stream().filter(client -> client.state() != State.CONNECTED).toList();
    StringBuilder text = new StringBuilder(toString());
    loops.all().forEach(loop -> text.append("\n  ").append(loop));
    missing.stream()
        .limit(MOST_CLIENTS_TOLD)
        .forEach(client -> text.append('\n').append(client.diagnostics()));
    if (missing.size() > MOST_CLIENTS_TOLD) {
      text.append("\nand ").append(missing.size() - MOST_CLIENTS_TOLD).append(" more");
    }
    return text.toString();
  }

  /** Returns in one line the name, how many clients are in which state, and how many connect. */
  @Override
  public String toString() {
    String counts =
        states().entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", "));
    return "MqttGroup["
        + name
        + ", "
        + (counts.isEmpty() ? "no clients" : counts)
        + "; "
        + connectGate.inside()
        + " of at most "
        + connectConcurrency
        + " connect, "
        + connectGate.waiting()
        + " wait for their turn; "
        + Count.of(loops.all().size(), "loop")
        + "]";
  }

  ConnectGate connectGate() {
    return connectGate;
  }

  /** A client has been closed; called by its driver. */
  void onClosed(MqttClient client) {
    synchronized (this) {
      clients.remove(client);
    }
    lookWhetherAllAreConnected();
  }

  // ---- driving

  /**
   * Drives each loop on a thread of its own, named after it, as {@link MqttLoop#loopStart()}.
   *
   * @throws IllegalStateException if a loop is driven already, or the group is closed; then none is
   *     started
   */
  public void loopStart() {
    loops.start();
  }

  /**
   * Runs one turn of the group's only loop on the calling thread, as {@link MqttLoop#loop}.
   *
   * @param timeout how long to wait at most when there is nothing to do
   * @return true if something was done
   * @throws IllegalStateException if another thread is driving, or the group has several loops
   */
  public boolean loop(Duration timeout) {
    return loops.only("loop(Duration)").loop(timeout);
  }

  /**
   * Drives the group's only loop on the calling thread, as {@link MqttLoop#loopForever()}.
   *
   * @throws IllegalStateException if another thread is driving, or the group has several loops
   */
  public void loopForever() {
    loops.only("loopForever()").loopForever();
  }

  /** Ends whoever drives the loops, as {@link MqttLoop#loopStop()}. */
  public void loopStop() {
    loops.all().forEach(MqttLoop::loopStop);
  }

  /**
   * Returns the loops.
   *
   * @return as many as the group was built with
   */
  public List<MqttLoop> loops() {
    return loops.all();
  }

  // ---- the end

  /** Closes as {@link #close(Duration)} does, within 5 s. */
  @Override
  public void close() {
    close(DEFAULT_CLOSE_TIMEOUT);
  }

  /**
   * Disconnects all clients in order, as many at a time as may connect at a time, and closes them
   * and the loops. Three quarters of the time are for doing so in order; whoever is left then is
   * closed with the loops. Legal in every state and on every thread; inside a callback it returns
   * at once. A second call does nothing.
   *
   * @param timeout how long to wait at most
   */
  public void close(Duration timeout) {
    long deadline = Deadline.after(timeout);
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    if (!loops.inLoop()) {
      end(timeout, deadline);
    } else if (loops.all().size() == 1) {
      loops.close(deadline); // leaves the rest to the driver
    } else {
      new Thread(() -> end(timeout, deadline), name + "-close").start();
    }
  }

  private void end(Duration timeout, long deadline) {
    // What follows an interrupt is to end in order all the same.
    boolean interrupted = Thread.interrupted();
    try {
      long inOrderUntil = Deadline.after(timeout.dividedBy(4).multipliedBy(3));
      loops.driveUntilDone(closeSomeAtATime(), inOrderUntil);
    } catch (InterruptedException e) {
      interrupted = true;
    } catch (IllegalStateException e) { // loopStop() of somebody else, or a loop closed by itself
      LOG.debug("Closing the group '{}' goes on", name, e);
    } finally {
      loops.close(deadline);
      awaitingAll.forEach(future -> future.completeExceptionally(closedGroup()));
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private MqttFuture<Void> closeSomeAtATime() {
    Queue<MqttClient> toClose = new ConcurrentLinkedQueue<>(clients());
    MqttFuture<Void> done = new GroupFuture.Stage<>(loops, "closing '" + name + "'");
    AtomicInteger left = new AtomicInteger(toClose.size() + 1);
    Runnable one =
        () -> {
          if (left.decrementAndGet() == 0) {
            done.complete(null);
          }
        };
    for (int i = 0; i < connectConcurrency && !toClose.isEmpty(); i++) {
      closeNext(toClose, one);
    }
    one.run();
    return done;
  }

  private static void closeNext(Queue<MqttClient> toClose, Runnable onClosed) {
    for (MqttClient client; (client = toClose.poll()) != null; ) {
      MqttFuture<Void> closing = client.closeAsync();
      if (!closing.isDone()) {
        closing.whenComplete(
            (nothing, failure) -> {
              onClosed.run();
              closeNext(toClose, onClosed);
            });
        return;
      }
      onClosed.run();
    }
  }
}
