// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.bight.mqtt.Topics;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/**
 * What is registered for topic filters, found by topic name [MQTT 5.0, section 4.7]. Finding takes
 * as long for ten thousand filters as for one: it depends on the levels of the name and on how much
 * is found. So does registering, but for those that share one filter: each more costs as much as
 * there are already.
 *
 * <p>Filters without a wildcard are looked up as a whole. The others stand in a tree, a level of
 * the filter at each level of the tree:
 *
 * <pre>
 *   root --"a"--&gt; node --+--&gt; node [a/+]      here: a filter ends at this level
 *                 [a/#]                       below: it ends with # under this level
 * </pre>
 *
 * <p>For any thread. What is found is what was registered at one moment: two changes that are made
 * one after the other are never seen the other way round. Finding does not wait, unless something
 * is changed in the same moment.
 *
 * @param <E> what is registered
 */
public final class FilterIndex<E extends FilterIndex.Entry> {
  private static final Comparator<Entry> ORDER = Comparator.comparingLong(entry -> entry.position);

  private final StampedLock lock = new StampedLock();

  // Written under the lock. Read without it too, and what was read is thrown away if it changed.
  private volatile List<E> unfiltered = List.of();
  private final Map<String, List<E>> exact = new ConcurrentHashMap<>();
  private final Node<E> root = new Node<>(null, null);
  private volatile int size;

  // Guarded by the lock.
  private final TreeMap<Long, E> inOrder = new TreeMap<>();
  private long nextPosition;

  /** What can be registered, in one index and once. */
  public abstract static class Entry {
    private final @Nullable String topicFilter;

    /** Its place among all; written under the lock, before it is found for the first time. */
    long position;

    /**
     * Makes an entry.
     *
     * @param topicFilter a valid topic filter, of which a share name is passed over; null: whatever
     *     the topic is, also one that begins with {@code $}
     */
    protected Entry(@Nullable String topicFilter) {
      this.topicFilter = topicFilter == null ? null : Topics.withoutShare(topicFilter);
    }

    /**
     * Returns what it is registered for.
     *
     * @return the topic filter without a share name; null: everything
     */
    public final @Nullable String topicFilter() {
      return topicFilter;
    }
  }

  /** A level of the tree; it goes when nothing is left at it. */
  private static final class Node<E extends Entry> {
    final @Nullable Node<E> parent;

    /** What leads here; null: a + does, or this is the root. */
    final @Nullable Level level;

    /** The only child there is; most nodes have one, and it is near at hand. */
    volatile @Nullable Node<E> onlyChild;

    /** The children where there were several; then there is no only child. */
    volatile @Nullable Map<Level, Node<E>> children;

    volatile @Nullable Node<E> plus;
    volatile List<E> here = List.of();
    volatile List<E> below = List.of();

    Node(@Nullable Node<E> parent, @Nullable Level level) {
      this.parent = parent;
      this.level = level;
    }

    boolean isEmpty() {
      return onlyChild == null
          && children == null
          && plus == null
          && here.isEmpty()
          && below.isEmpty();
    }

    @Nullable Node<E> child(String text, int from, int to) {
      Node<E> only = onlyChild;
      if (only != null) {
        return only.isAt(text, from, to) ? only : null;
      }
      Map<Level, Node<E>> all = children;
      return all == null ? null : all.get(new Level(text, from, to));
    }

    private boolean isAt(String text, int from, int to) {
      return level != null && level.isSame(text, from, to - from);
    }
  }

  /** A piece of a topic name or filter, compared by its characters, without a copy of them. */
  private static final class Level {
    private final String text;
    private final int from;
    private final int length;
    private final int hash;

    Level(String text, int from, int to) {
      this.text = text;
      this.from = from;
      this.length = to - from;
      int sum = 0;
      for (int i = from; i < to; i++) {
        sum = 31 * sum + text.charAt(i);
      }
      this.hash = sum;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Level level
          && hash == level.hash
          && isSame(level.text, level.from, level.length);
    }

    boolean isSame(String otherText, int otherFrom, int otherLength) {
      return length == otherLength && text.regionMatches(from, otherText, otherFrom, length);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  // ---- finding

  /**
   * Finds what is registered for a topic.
   *
   * @param topic a valid topic name
   * @return all whose filter matches, each once, in the order in which they were registered; does
   *     not change afterwards
   */
  public List<E> matching(String topic) {
    long stamp = lock.tryOptimisticRead();
    if (stamp != 0) {
      List<E> found = find(topic);
      if (lock.validate(stamp)) {
        return found;
      }
    }
    stamp = lock.readLock();
    try {
      return find(topic);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  private List<E> find(String topic) {
    Found<E> found = new Found<>();
    found.add(unfiltered);
    List<E> whole = exact.get(topic);
    if (whole != null) {
      found.add(whole);
    }
    if (topic.charAt(0) != '$') {
      descend(root, topic, 0, found);
    } else { // wildcards at the first level do not match [MQTT-4.7.2-1]
      int to = endOfLevel(topic, 0);
      Node<E> first = root.child(topic, 0, to);
      if (first != null) {
        descend(first, topic, to + 1, found);
      }
    }
    return found.inOrder();
  }

  /** Collects what matches at a node and below it, which the levels before a place lead to. */
  private static <E extends Entry> void descend(
      Node<E> start, String topic, int place, Found<E> found) {
    Node<E> node = start;
    int from = place;
    while (true) {
      found.add(node.below); // also where the name ends: "a/#" matches "a"
      if (from > topic.length()) {
        found.add(node.here);
        return;
      }
      int to = endOfLevel(topic, from);
      Node<E> plus = node.plus;
      Node<E> child = node.child(topic, from, to);
      from = to + 1;
      if (child == null) {
        if (plus == null) {
          return;
        }
        node = plus;
      } else {
        if (plus != null) {
          descend(plus, topic, from, found); // not deeper than there are filters
        }
        node = child;
      }
    }
  }

  /** Lists that were found, of which there is seldom more than one. */
  private static final class Found<E extends Entry> {
    private List<E> first = List.of();
    private @Nullable List<E> all;

    void add(List<E> more) {
      if (more.isEmpty()) {
        return;
      }
      if (first.isEmpty()) {
        first = more;
        return;
      }
      if (all == null) {
        all = new ArrayList<>(first);
      }
      all.addAll(more);
    }

    List<E> inOrder() {
      if (all == null) {
        return first;
      }
      all.sort(ORDER); // each list is in order already
      return all;
    }
  }

  /**
   * Tells whether nothing is registered.
   *
   * @return true if no entry is
   */
  public boolean isEmpty() {
    return size == 0;
  }

  /**
   * Returns all that is registered at this moment.
   *
   * @return the entries, in the order in which they were registered
   */
  public List<E> all() {
    long stamp = lock.readLock();
    try {
      return List.copyOf(inOrder.values());
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /** Tells whether the tree is nothing but its root: whether no filter with a wildcard is left. */
  boolean isBare() {
    return root.isEmpty();
  }

  // ---- changes

  /**
   * Registers an entry, behind all that are registered.
   *
   * @param entry what is not registered yet
   */
  public void add(E entry) {
    long stamp = lock.writeLock();
    try {
      insert(entry, nextPosition++);
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /**
   * Registers an entry in the place of another, or behind all if that is not registered any more.
   * In one step: the one or the other is found, and not both.
   *
   * @param earlier what goes
   * @param entry what is not registered yet
   */
  public void replace(E earlier, E entry) {
    long stamp = lock.writeLock();
    try {
      insert(entry, delete(earlier) ? earlier.position : nextPosition++);
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /**
   * Removes an entry, if it is registered.
   *
   * @param entry what goes
   */
  public void remove(E entry) {
    removeAll(List.of(entry));
  }

  /**
   * Removes entries in one step, as far as they are registered.
   *
   * @param entries what goes
   */
  public void removeAll(Collection<E> entries) {
    long stamp = lock.writeLock();
    try {
      entries.forEach(this::delete);
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  private void insert(E entry, long position) {
    entry.position = position;
    inOrder.put(position, entry);
    size = inOrder.size();
    String filter = entry.topicFilter();
    if (filter == null) {
      unfiltered = with(unfiltered, entry);
    } else if (!Topics.containsWildcard(filter)) {
      exact.merge(filter, List.of(entry), (before, added) -> with(before, entry));
    } else {
      Node<E> node = grow(filter);
      if (filter.endsWith("#")) {
        node.below = with(node.below, entry);
      } else {
        node.here = with(node.here, entry);
      }
    }
  }

  /** Returns false if the entry was not there. */
  private boolean delete(E entry) {
    if (!inOrder.remove(entry.position, entry)) {
      return false;
    }
    size = inOrder.size();
    String filter = entry.topicFilter();
    if (filter == null) {
      unfiltered = without(unfiltered, entry);
    } else if (!Topics.containsWildcard(filter)) {
      exact.computeIfPresent(
          filter,
          (same, before) -> {
            List<E> left = without(before, entry);
            return left.isEmpty() ? null : left;
          });
    } else {
      Node<E> node = grow(filter);
      node.here = without(node.here, entry);
      node.below = without(node.below, entry);
      prune(node);
    }
    return true;
  }

  private static <E extends Entry> List<E> with(List<E> before, E entry) {
    List<E> after = new ArrayList<>(before);
    after.add(entry);
    after.sort(ORDER);
    return List.copyOf(after);
  }

  private static <E extends Entry> List<E> without(List<E> before, E entry) {
    return before.stream().filter(other -> other != entry).toList();
  }

  /** Returns the node of a filter: where it ends, or of the level above its #. */
  private Node<E> grow(String filter) {
    Node<E> node = root;
    int from = 0;
    while (from <= filter.length()) {
      int to = endOfLevel(filter, from);
      char first = from == to ? '/' : filter.charAt(from);
      if (first == '#') {
        break;
      }
      node = first == '+' ? plusOf(node) : childOf(node, filter.substring(from, to));
      from = to + 1;
    }
    return node;
  }

  private static <E extends Entry> Node<E> plusOf(Node<E> node) {
    Node<E> plus = node.plus;
    if (plus == null) {
      plus = new Node<>(node, null);
      node.plus = plus;
    }
    return plus;
  }

  private static <E extends Entry> Node<E> childOf(Node<E> node, String text) {
    Node<E> child = node.child(text, 0, text.length());
    if (child != null) {
      return child;
    }
    Level level = new Level(text, 0, text.length());
    child = new Node<>(node, level);
    Map<Level, Node<E>> children = node.children;
    Node<E> only = node.onlyChild;
    if (children != null) {
      children.put(level, child);
    } else if (only == null) {
      node.onlyChild = child;
    } else {
      children = new ConcurrentHashMap<>();
      children.put(Objects.requireNonNull(only.level), only);
      children.put(level, child);
      node.children = children;
      node.onlyChild = null;
    }
    return child;
  }

  /** Takes out a node at which nothing is left, and those above that lead nowhere then. */
  private static <E extends Entry> void prune(Node<E> start) {
    Node<E> node = start;
    Node<E> parent;
    while (node.isEmpty() && (parent = node.parent) != null) {
      Map<Level, Node<E>> siblings = parent.children;
      if (node.level == null) {
        parent.plus = null;
      } else if (siblings == null) {
        parent.onlyChild = null;
      } else {
        siblings.remove(node.level);
        parent.children = siblings.isEmpty() ? null : siblings;
      }
      node = parent;
    }
  }

  private static int endOfLevel(String text, int from) {
    int slash = text.indexOf('/', from);
    return slash < 0 ? text.length() : slash;
  }
}
