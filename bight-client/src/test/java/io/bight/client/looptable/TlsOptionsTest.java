// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.looptable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.client.MqttClient;
import io.bight.client.MqttClientBuilder;
import io.bight.client.MqttLoop;
import io.bight.client.ReconnectPolicy;
import io.bight.client.TlsOptions;
import io.bight.client.TlsOptions.Engine;
import io.bight.mqtt.MqttConnectException;
import io.bight.mqtt.Qos;
import io.bight.testkit.LeakCheck;
import io.bight.testkit.ScriptedServer;
import io.bight.testkit.tls.TestCertificates;
import io.bight.testkit.tls.TlsFront;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Provider;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.TrustManagerFactorySpi;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** TLS by PEM files and by factories, with the JDK's engine and with OpenSSL's. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class TlsOptionsTest {
  private static final Duration LIMIT = Await.LIMIT;

  @TempDir static Path folder;

  private static TestCertificates certificates;
  private static TestCertificates clientCertificates;
  private static ScriptedServer server;
  private static TlsFront front;
  private static Path trust;
  private static Path clientCertificate;
  private static Path clientKey;

  @BeforeAll
  static void start() {
    certificates = TestCertificates.signedForNames("dns:localhost");
    clientCertificates = TestCertificates.forNames("dns:client");
    server = ScriptedServer.behavingBroker();
    front = new TlsFront(certificates.server(), server.port());
    trust = certificates.writeIssuer(folder.resolve("authority.pem"));
    clientCertificate = clientCertificates.writeCertificates(folder.resolve("client.pem"));
    clientKey = clientCertificates.writeKey(folder.resolve("client-key.pem"));
  }

  @AfterAll
  static void stop() {
    front.close();
    server.close();
  }

  private static TlsOptions.Builder options(Engine engine) {
    return TlsOptions.builder().trust(trust).engine(engine);
  }

  private static MqttClientBuilder client(TlsFront to, TlsOptions tls) {
    return MqttClient.builder("mqtts://localhost:" + to.port()).clientId("tls-client").tls(tls);
  }

  private static void assertConnects(MqttClientBuilder builder) {
    try (MqttClient client = builder.build()) {
      client.connect(LIMIT);
      assertThat(client.isConnected()).isTrue();
    }
  }

  private static void assertRefused(MqttClientBuilder builder, String... parts) {
    try (MqttClient client = builder.reconnect(ReconnectPolicy.never()).build()) {
      assertThatThrownBy(() -> client.connect(LIMIT))
          .isInstanceOf(MqttConnectException.class)
          .hasMessageContaining("client 'tls-client' of " + client.server())
          .hasMessageContainingAll(parts);
    }
  }

  // ---- trust and keys

  @ParameterizedTest
  @CsvSource({"JDK, false", "JDK, true", "OPENSSL, false", "OPENSSL, true"})
  void messagesTravelWithEachEngineOnEachSelector(Engine engine, boolean nio) throws Exception {
    BlockingQueue<String> received = new LinkedBlockingQueue<>();
    MqttLoop.Builder loops = MqttLoop.builder();
    try (MqttLoop loop = nio ? loops.nio().build() : loops.build();
        MqttClient client =
            client(front, options(engine).build())
                .loop(loop)
                .onMessage(message -> received.add(message.payloadUtf8()))
                .build()) {
      loop.loopStart();
      client.connect(LIMIT);
      TransportTest.assertMessagesTravel(client, "tls/" + engine, received);
    }
  }

  @Test
  void automaticIsOpenSslWhereItIsThere() {
    assertThat(TlsOptions.builder().build().engine()).isEqualTo(Engine.OPENSSL);
    assertThat(TlsOptions.builder().engine(Engine.JDK).build().engine()).isEqualTo(Engine.JDK);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
  void factoriesDoWhatFilesDo(Engine engine) {
    TlsOptions options =
        TlsOptions.builder()
            .trust(certificates.trust())
            .clientCertificate(clientCertificates.keys())
            .engine(engine)
            .build();
    try (TlsFront mutual = mutualFront()) {
      assertConnects(client(mutual, options));
    }
  }

  private static TlsFront mutualFront() {
    return new TlsFront(
        certificates.serverThatTrusts(clientCertificates),
        server.port(),
        socket -> socket.setNeedClientAuth(true));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
  void clientPresentsItsCertificate(Engine engine) {
    Path encrypted = clientCertificates.writeKey(folder.resolve("encrypted.pem"), "top secret");
    try (TlsFront mutual = mutualFront()) {
      assertConnects(
          client(mutual, options(engine).clientCertificate(clientCertificate, clientKey).build()));
      assertConnects(
          client(
              mutual,
              options(engine)
                  .clientCertificate(clientCertificate, encrypted, "top secret".toCharArray())
                  .build()));
    }
  }

  @ParameterizedTest
  @CsvSource({"JDK, RSA", "JDK, Ed25519", "OPENSSL, RSA"})
  void clientPresentsCertificatesOfOtherKinds(Engine engine, String algorithm) {
    TestCertificates other = TestCertificates.ofKind(algorithm);
    TlsOptions options =
        options(engine)
            .clientCertificate(
                other.writeCertificates(folder.resolve("other.pem")),
                other.writeKey(folder.resolve("other-key.pem")))
            .build();
    try (TlsFront mutual =
        new TlsFront(
            certificates.serverThatTrusts(other),
            server.port(),
            socket -> socket.setNeedClientAuth(true))) {
      assertConnects(client(mutual, options));
    }
  }

  @ParameterizedTest
  @CsvSource({"JDK, TLSv1.2", "JDK, TLSv1.3", "OPENSSL, TLSv1.2", "OPENSSL, TLSv1.3"})
  void serverThatWantsACertificateRefusesAClientWithoutOne(Engine engine, String protocol) {
    try (TlsFront mutual = mutualFront()) {
      assertRefused(
          client(mutual, options(engine).protocols(protocol).build()),
          "may want a client certificate; set tls(...) with one that it accepts");
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
  void serverOfAnotherAuthorityIsRefused(Engine engine) {
    TestCertificates other = TestCertificates.forNames("dns:localhost");
    TlsOptions options = trusting(other, engine);
    assertRefused(
        client(front, options),
        "the certificate of localhost port " + front.port() + " is not trusted",
        "trust its issuer with tls(...)");
    assertRefused(client(front, TlsOptions.builder().engine(engine).build()), "is not trusted");
  }

  // ---- the host's name

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
  void certificateForAnotherHostIsRefusedAlsoAfterASessionThatDidNotAsk(Engine engine) {
    TestCertificates other = TestCertificates.forNames("dns:other.example");
    TlsOptions options = trusting(other, engine);
    try (TlsFront wrong = new TlsFront(other.server(), server.port())) {
      for (int i = 0; i < 2; i++) {
        assertRefused(
            client(wrong, options),
            "the certificate of localhost port " + wrong.port() + " does not fit",
            "localhost",
            "connect by the name that it is for");
        assertConnects(client(wrong, options).insecureSkipHostNameVerification());
      }
    }
  }

  /** A trust as many programs have it: the old interface, which is not told the host. */
  private static TrustManagerFactory trustOfTheOldInterface() {
    X509TrustManager everybody =
        new X509TrustManager() {
          @Override
          public void checkClientTrusted(X509Certificate[] chain, String authType)
              throws CertificateException {
            throw new CertificateException("for servers only");
          }

          @Override
          public void checkServerTrusted(X509Certificate[] chain, String authType) {
            // is trusted
          }

          @Override
          public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
          }
        };
    TrustManagerFactorySpi spi =
        new TrustManagerFactorySpi() {
          @Override
          protected void engineInit(KeyStore store) {}

          @Override
          protected void engineInit(ManagerFactoryParameters parameters) {}

          @Override
          protected TrustManager[] engineGetTrustManagers() {
            return new TrustManager[] {everybody};
          }
        };
    Provider provider = new Provider("test", "1", "of this test") {};
    return new TrustManagerFactory(spi, provider, "everybody") {};
  }

  @Test
  void trustThatCannotCheckTheHostsNameIsNotForOpenSsl() {
    TlsOptions.Builder builder = TlsOptions.builder().trust(trustOfTheOldInterface());
    assertThatThrownBy(() -> builder.engine(Engine.OPENSSL).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("X509ExtendedTrustManager")
        .hasMessageContaining("choose JDK");
    TlsOptions options = builder.engine(Engine.AUTOMATIC).build();
    assertThat(options.engine()).isEqualTo(Engine.JDK);
    assertConnects(client(front, options));
    TestCertificates other = TestCertificates.forNames("dns:other.example");
    try (TlsFront wrong = new TlsFront(other.server(), server.port())) {
      assertRefused(client(wrong, options), "does not fit");
    }
  }

  // ---- protocols

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
  void protocolsThatAreNotNamedAreNotSpoken(Engine engine) {
    try (TlsFront second = frontWith("TLSv1.2");
        TlsFront third = frontWith("TLSv1.3")) {
      TlsOptions only2 = options(engine).protocols("TLSv1.2").build();
      TlsOptions only3 = options(engine).protocols("TLSv1.3").build();
      assertConnects(client(second, only2));
      assertConnects(client(third, only3));
      assertConnects(client(second, options(engine).build()));
      assertConnects(client(third, options(engine).build()));
      assertRefused(client(second, only3), "TLS with localhost port " + second.port() + " failed");
      assertRefused(client(third, only2), "TLS with localhost port " + third.port() + " failed");
    }
  }

  private static TlsFront frontWith(String protocol) {
    return new TlsFront(
        certificates.server(),
        server.port(),
        (SSLServerSocket socket) -> socket.setEnabledProtocols(new String[] {protocol}));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
  void unknownProtocolIsRefusedWhenTheOptionsAreBuilt(Engine engine) {
    assertThatThrownBy(() -> options(engine).protocols("TLSv1.3", "TLSv4").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("engine=" + engine)
        .hasMessageContaining("TLSv4");
    assertThatThrownBy(() -> options(engine).protocols())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("name a protocol");
  }

  // ---- how it is set

  @Test
  void ofTlsAndSslContextTheLaterCallCounts() {
    TestCertificates other = TestCertificates.forNames("dns:localhost");
    TlsOptions right = options(Engine.AUTOMATIC).build();
    assertConnects(client(front, right).sslContext(other.client()).tls(right));
    assertRefused(client(front, right).sslContext(other.client()), "is not trusted");
    assertConnects(
        client(front, right)
            .sslContext(other.client())
            .beforeConnect(attempt -> attempt.sslContext(other.client()).tls(right)));
    assertRefused(
        client(front, right)
            .beforeConnect(attempt -> attempt.tls(right).sslContext(other.client())),
        "is not trusted");
  }

  @Test
  void noPasswordIsPrinted() {
    Path encrypted = clientCertificates.writeKey(folder.resolve("for-print.pem"), "top secret");
    TlsOptions options =
        options(Engine.JDK)
            .clientCertificate(clientCertificate, encrypted, "top secret".toCharArray())
            .protocols("TLSv1.3")
            .build();
    assertThat(options.toString())
        .isEqualTo(
            "TlsOptions[engine=JDK, trust="
                + trust
                + ", clientCertificate="
                + clientCertificate
                + ", protocols=[TLSv1.3]]");
  }

  @Test
  void filesAreReadWhenTheOptionsAreBuilt() {
    assertThatThrownBy(() -> TlsOptions.builder().trust(Path.of("no-such.pem")).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the trusted certificates file 'no-such.pem' does not exist");
    Path other = TestCertificates.forNames("dns:a").writeKey(folder.resolve("not-the-key.pem"));
    assertThatThrownBy(
            () -> options(Engine.JDK).clientCertificate(clientCertificate, other).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is not that of the first certificate in the client certificate file")
        .hasMessageContaining("CN=test");
  }

  @Test
  void withoutTheLibraryAutomaticIsTheJdkAndOpenSslNamesWhatIsMissing() throws Exception {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("tcnative"))
            .collect(Collectors.joining(File.pathSeparator));
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-cp",
                classPath,
                WithoutOpenSsl.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output)
        .contains("AUTOMATIC is JDK")
        .contains("the engine OPENSSL is not there (")
        .contains("ClassNotFoundException: io.netty.internal.tcnative")
        .contains("add the Maven artifact io.netty:netty-tcnative-boringssl-static");
  }

  /** What {@link #withoutTheLibraryAutomaticIsTheJdkAndOpenSslNamesWhatIsMissing} runs. */
  static final class WithoutOpenSsl {
    public static void main(String[] args) {
      System.out.println("AUTOMATIC is " + TlsOptions.builder().build().engine());
      try {
        TlsOptions.builder().engine(Engine.OPENSSL).build();
      } catch (IllegalArgumentException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  // ---- sharing

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTOMATIC")
  void clientsAndReconnectsShareTheOptions(Engine engine) {
    TlsOptions options = options(engine).build();
    Queue<String> lost = new ConcurrentLinkedQueue<>();
    try (MqttLoop loop = MqttLoop.create("shared");
        MqttClient one = client(front, options).loop(loop).build();
        MqttClient two =
            client(front, options)
                .clientId("second")
                .loop(loop)
                .onDisconnect(event -> lost.add(event.message()))
                .build()) {
      for (MqttClient each : List.of(one, two)) {
        for (int i = 0; i < 20; i++) {
          each.connect(LIMIT);
          each.publish("tls/shared", "x", Qos.AT_LEAST_ONCE).await(LIMIT);
          each.disconnect();
        }
      }
      assertThat(lost).hasSize(20);
    }
  }

  /** Trusts nobody but who signed these certificates. */
  private static TlsOptions trusting(TestCertificates certificates, Engine engine) {
    Path authority = certificates.writeIssuer(folder.resolve("another-authority.pem"));
    return TlsOptions.builder().trust(authority).engine(engine).build();
  }
}
