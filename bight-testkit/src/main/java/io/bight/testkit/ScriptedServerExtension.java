// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A JUnit 5 extension that gives each test that asks for one a {@link ScriptedServer#start()
 * started} server of its own, and closes it afterwards. A failed expectation fails the test.
 *
 * <pre>{@code
 * @ExtendWith(ScriptedServerExtension.class)
 * class ConnectTest {
 *   @Test
 *   void connects(ScriptedServer server) {
 *     server.onConnection().expectConnect().sendConnack();
 *     ...
 *   }
 * }
 * }</pre>
 */
public final class ScriptedServerExtension implements ParameterResolver, AfterEachCallback {
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(ScriptedServerExtension.class);

  /** Made by JUnit. */
  public ScriptedServerExtension() {}

  /** Whether the parameter is a server. */
  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == ScriptedServer.class;
  }

  /** Starts the test's server; a second parameter gets the same one. */
  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(
            ScriptedServer.class, unused -> ScriptedServer.start(), ScriptedServer.class);
  }

  /** Closes the test's server, which throws if an expectation failed unseen. */
  @Override
  public void afterEach(ExtensionContext context) {
    ScriptedServer server =
        context.getStore(NAMESPACE).remove(ScriptedServer.class, ScriptedServer.class);
    if (server != null) {
      server.close();
    }
  }
}
