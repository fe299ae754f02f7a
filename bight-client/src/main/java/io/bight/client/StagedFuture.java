// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A future whose first {@link #whenComplete} is kept here, for which its superclass would take one
 * object and one atomic operation more: there is one for each message. All other stages are the
 * superclass's. So whatever completes this future says so here; that of its own stages, which the
 * superclass completes behind our back, is not one of this class.
 */
abstract class StagedFuture<T> extends MqttFuture<T> {
  private static final VarHandle FIRST;

  static {
    try {
      FIRST = MethodHandles.lookup().findVarHandle(StagedFuture.class, "first", First.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** The first stage until it runs; by its VarHandle. */
  private volatile @Nullable First<T> first;

  @Override
  public CompletableFuture<T> whenComplete(BiConsumer<? super T, ? super Throwable> action) {
    Objects.requireNonNull(action, "action");
    if (!isDone() && first == null) {
      First<T> stage = new First<>(loop(), action);
      if (FIRST.compareAndSet(this, null, stage)) {
        if (isDone()) {
          runFirst(); // who has completed this meanwhile may not have seen the stage
        }
        return stage;
      }
    }
    return super.whenComplete(action);
  }

  @Override
  public int getNumberOfDependents() {
    return super.getNumberOfDependents() + (first == null ? 0 : 1);
  }

  /** This is done: runs the stage unless somebody else does. */
  private void runFirst() {
    First<T> stage = takeFirst();
    if (stage != null) {
      super.whenComplete(stage::run); // knows with what it is done, and calls at once
    }
  }

  @SuppressWarnings("unchecked") // whenComplete lets no other in
  private @Nullable First<T> takeFirst() {
    return first == null ? null : (First<T>) FIRST.getAndSet(this, null);
  }

  // ---- all that completes it

  @Override
  public boolean complete(@Nullable T value) {
    if (!super.complete(value)) {
      return false;
    }
    First<T> stage = takeFirst();
    if (stage != null) {
      stage.run(value, null);
    }
    return true;
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    boolean completed = super.completeExceptionally(failure);
    runFirst();
    return completed;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    runFirst();
    return cancelled;
  }

  @Override
  public CompletableFuture<T> completeAsync(Supplier<? extends T> supplier, Executor executor) {
    Objects.requireNonNull(supplier, "supplier");
    executor.execute(
        () -> {
          try {
            if (!isDone()) {
              complete(supplier.get());
            }
          } catch (Throwable e) {
            completeExceptionally(wrapped(e));
          }
        });
    return this;
  }

  @Override
  public void obtrudeValue(@Nullable T value) {
    super.obtrudeValue(value);
    runFirst();
  }

  @Override
  public void obtrudeException(Throwable failure) {
    super.obtrudeException(failure);
    runFirst();
  }

  private static CompletionException wrapped(Throwable failure) {
    return failure instanceof CompletionException already
        ? already
        : new CompletionException(failure);
  }

  /** What {@link #whenComplete} has returned: done as the other is, once the action has run. */
  private static final class First<T> extends DependentStage<T> {
    private final BiConsumer<? super T, ? super Throwable> action;

    First(MqttLoop loop, BiConsumer<? super T, ? super Throwable> action) {
      super(loop);
      this.action = action;
    }

    void run(@Nullable T value, @Nullable Throwable failure) {
      Throwable outcome = failure;
      try {
        action.accept(value, failure);
      } catch (Throwable e) {
        if (outcome == null) {
          outcome = e;
        } else if (outcome != e) {
          outcome.addSuppressed(e);
        }
      }
      if (outcome == null) {
        complete(value);
      } else {
        completeExceptionally(wrapped(outcome));
      }
    }
  }
}
