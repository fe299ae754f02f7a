// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * The properties of one packet [MQTT 5.0, section 2.2.2], in the order in which they are written.
 * Immutable; packets without properties share {@link #NONE}. Packets hold few properties, so a look
 * through an array beats a map.
 */
public final class Properties {
  /** No properties. */
  public static final Properties NONE = new Properties(new Property<?>[0], new Object[0]);

  private final Property<?>[] keys;
  private final Object[] values;

  private Properties(Property<?>[] keys, Object[] values) {
    this.keys = keys;
    this.values = values;
  }

  /**
   * Starts a set of properties.
   *
   * @return an empty builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts a set of properties from this one.
   *
   * @return a builder that holds this set's properties
   */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.keys = keys.clone();
    builder.values = values.clone();
    builder.size = keys.length;
    return builder;
  }

  /**
   * Tells whether there are none.
   *
   * @return true if there are none
   */
  public boolean isEmpty() {
    return keys.length == 0;
  }

  /**
   * Returns how many there are, repetitions counted.
   *
   * @return the number of properties
   */
  public int size() {
    return keys.length;
  }

  /**
   * Returns the property at a position.
   *
   * @param index 0 to {@link #size()} - 1
   * @return the property
   */
  public Property<?> propertyAt(int index) {
    return keys[index];
  }

  /**
   * Returns the value at a position. A {@code byte[]} is not copied and must not be changed.
   *
   * @param index 0 to {@link #size()} - 1
   * @return the value, of the property's {@link Property#valueType()}
   */
  public Object valueAt(int index) {
    return values[index];
  }

  /**
   * Tells whether a property is present.
   *
   * @param property the property
   * @return true if it is present
   */
  public boolean has(Property<?> property) {
    return indexOf(property) >= 0;
  }

  /**
   * Returns a property's value. A {@code byte[]} is not copied and must not be changed.
   *
   * @param property the property
   * @param <T> the type of its value
   * @return the value, the first if it is repeated, or null if it is absent
   */
  public <T> @Nullable T get(Property<T> property) {
    int index = indexOf(property);
    return index < 0 ? null : property.valueType().cast(values[index]);
  }

  /**
   * Returns a property's value or a default.
   *
   * @param property the property
   * @param absent what to return if it is absent
   * @param <T> the type of its value
   * @return the value, the first if it is repeated, or the default
   */
  public <T> T get(Property<T> property, T absent) {
    T value = get(property);
    return value == null ? absent : value;
  }

  /**
   * Returns all values of a property that may be repeated.
   *
   * @param property the property
   * @param <T> the type of its value
   * @return its values in order; empty if it is absent
   */
  public <T> List<T> getAll(Property<T> property) {
    List<T> all = new ArrayList<>();
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] == property) {
        all.add(property.valueType().cast(values[i]));
      }
    }
    return List.copyOf(all);
  }

  /**
   * Returns the user properties.
   *
   * @return the user properties in order; empty if there are none
   */
  public List<UserProperty> userProperties() {
    return isEmpty() ? List.of() : getAll(Property.USER_PROPERTY);
  }

  /**
   * Returns this set without a property.
   *
   * @param property the property to leave out, all repetitions
   * @return a set without it
   */
  public Properties without(Property<?> property) {
    if (!has(property)) {
      return this;
    }
    Builder builder = new Builder();
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] != property) {
        builder.append(keys[i], values[i]);
      }
    }
    return builder.build();
  }

  private int indexOf(Property<?> property) {
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] == property) {
        return i;
      }
    }
    return -1;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Properties that
        && Arrays.equals(keys, that.keys)
        && Arrays.deepEquals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(keys) + Arrays.deepHashCode(values);
  }

  /** Returns names and values; authentication data is left out, other bytes are only counted. */
  @Override
  public String toString() {
    StringJoiner text = new StringJoiner(", ", "{", "}");
    for (int i = 0; i < keys.length; i++) {
      Object value = values[i];
      if (keys[i] == Property.AUTHENTICATION_DATA) {
        value = "***";
      } else if (value instanceof byte[] bytes) {
        value = bytes.length + " B";
      } else if (value instanceof UserProperty userProperty) {
        value = userProperty.name() + "=" + userProperty.value();
      }
      text.add(keys[i].name() + ": " + value);
    }
    return text.toString();
  }

  /** Collects properties; not safe for use by several threads. */
  public static final class Builder {
    private static final int FIRST_ROOM = 8;

    private Property<?>[] keys = NONE.keys;
    private Object[] values = NONE.values;
    private int size;

    private Builder() {}

    /**
     * Sets a property to one value, in place of what it had.
     *
     * @param property the property
     * @param value its value
     * @param <T> the type of its value
     * @return this builder
     * @throws IllegalArgumentException if the specification does not allow the value
     */
    public <T> Builder set(Property<T> property, T value) {
      for (int i = 0; i < size; i++) {
        if (keys[i] == property) {
          values[i] = checked(property, value);
          return this;
        }
      }
      return add(property, value);
    }

    /**
     * Adds a property, behind those of the same name if it is repeated.
     *
     * @param property the property
     * @param value its value
     * @param <T> the type of its value
     * @return this builder
     * @throws IllegalArgumentException if the specification does not allow the value
     */
    public <T> Builder add(Property<T> property, T value) {
      append(property, checked(property, value));
      return this;
    }

    private void append(Property<?> property, Object value) {
      if (size == keys.length) {
        int room = Math.max(FIRST_ROOM, 2 * size);
        keys = Arrays.copyOf(keys, room);
        values = Arrays.copyOf(values, room);
      }
      keys[size] = property;
      values[size++] = value;
    }

    /**
     * Adds a user property.
     *
     * @param name its name
     * @param value its value
     * @return this builder
     */
    public Builder userProperty(String name, String value) {
      return add(Property.USER_PROPERTY, new UserProperty(name, value));
    }

    /**
     * Makes the set.
     *
     * @return what was collected
     */
    public Properties build() {
      return size == 0
          ? NONE
          : new Properties(Arrays.copyOf(keys, size), Arrays.copyOf(values, size));
    }

    private static <T> Object checked(Property<T> property, T value) {
      Objects.requireNonNull(value, property.name());
      if (value instanceof Number number && !property.allows(number.longValue())) {
        throw new IllegalArgumentException(
            property.name() + " cannot be " + value + "; it is " + property.range());
      }
      return value;
    }
  }
}
