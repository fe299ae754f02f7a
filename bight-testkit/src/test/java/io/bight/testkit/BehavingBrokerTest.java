// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttMessageBuilders;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@ExtendWith(LeakCheck.class)
class BehavingBrokerTest {
  private final VirtualTime time = new VirtualTime();
  private final ScriptedServer server = ScriptedServer.behavingBrokerInMemory(time);
  private final BehavingBroker broker = server.broker();

  @ParameterizedTest
  @EnumSource(MqttVersion.class)
  void routesMessagesAtEveryQosInEveryVersion(MqttVersion version) throws IOException {
    TestClient subscriber = client().speaking(version).connected("subscriber", true);
    TestClient publisher = client().connected("publisher", true);
    subscriber.subscribe(1, "a/+", 2);
    subscriber.expect("SUBACK id=1");

    publisher.publish("a/0", "zero", 0, 0);
    subscriber.expect("PUBLISH qos=0 a/0=zero");

    publisher.publish("a/1", "one", 1, 11);
    publisher.expect("PUBACK id=11");
    subscriber.expect("PUBLISH id=1 qos=1 a/1=one");
    subscriber.acknowledge(MqttMessageType.PUBACK, 1);

    publisher.publish("a/2", "two", 2, 12);
    publisher.expect("PUBREC id=12");
    publisher.acknowledge(MqttMessageType.PUBREL, 12);
    publisher.expect("PUBCOMP id=12");
    subscriber.expect("PUBLISH id=2 qos=2 a/2=two");
    subscriber.acknowledge(MqttMessageType.PUBREC, 2);
    subscriber.expect("PUBREL id=2");
    subscriber.acknowledge(MqttMessageType.PUBCOMP, 2);
    assertThat(subscriber.next()).isEqualTo("nothing");
  }

  @Test
  void takesAMessageSentAgainAtQos2Once() throws IOException {
    TestClient publisher = client().connected("publisher", true);
    publisher.publish("a", "x", 2, 12);
    publisher.publish("a", "x", 2, 12);
    publisher.expect("PUBREC id=12");
    publisher.expect("PUBREC id=12");
    assertThat(broker.acceptedMessages()).hasSize(1);

    publisher.acknowledge(MqttMessageType.PUBREL, 12);
    publisher.publish("a", "y", 2, 12);
    assertThat(broker.acceptedMessages()).hasSize(2);
  }

  @Test
  void keepsASessionAndSendsAgainWhatWasNotAcknowledged() throws IOException {
    TestClient client = client().connected("me", false);
    client.subscribe(1, "#", 2);
    client.expect("SUBACK");
    broker.publish("a", "one", 1);
    broker.publish("b", "two", 2);
    client.expect("PUBLISH id=1 qos=1 a=one");
    client.expect("PUBLISH id=2 qos=2 b=two");
    client.acknowledge(MqttMessageType.PUBREC, 2);
    client.expect("PUBREL id=2");
    client.close();
    broker.publish("c", "while away", 1);

    TestClient again = client();
    again.connect("me", false);
    MqttConnAckMessage connack = (MqttConnAckMessage) again.read();

    assertThat(connack.variableHeader().isSessionPresent()).isTrue();
    again.expect("PUBLISH id=1 qos=1 dup a=one");
    again.expect("PUBREL id=2");
    again.expect("PUBLISH id=3 qos=1 c=while away");
  }

  @Test
  void forgetsTheSessionOfACleanStart() throws IOException {
    client().connected("me", true).close();
    assertThat(broker.sessions()).isEmpty();

    TestClient client = client().connected("me", false);
    client.subscribe(1, "#", 0);
    client.close();
    assertThat(broker.subscriptions("me")).containsExactly("#");

    client().connected("me", true);
    assertThat(broker.subscriptions("me")).isEmpty();
  }

  @Test
  void closesTheEarlierConnectionOfAClient() throws IOException {
    client().speaking(MqttVersion.MQTT_5).connected("me", true);
    client().speaking(MqttVersion.MQTT_5).connected("me", true);

    assertThat(server.connection(1, Duration.ZERO).isClosed()).isTrue();
    assertThat(server.connection(2, Duration.ZERO).isClosed()).isFalse();
    assertThat(broker.connectedClients()).containsExactly("me");
    assertThat(server.transcript()).contains("[1] << DISCONNECT 0x8E");
  }

  @Test
  void keepsRetainedMessages() throws IOException {
    TestClient publisher = client().connected("publisher", true);
    publisher.send(TestClient.publishPacket("a", "kept", 0, 0, true));
    TestClient subscriber = client().connected("subscriber", true);
    subscriber.subscribe(1, "a", 1);
    subscriber.expect("SUBACK id=1");
    subscriber.expect("PUBLISH qos=0 retain a=kept");

    publisher.send(TestClient.publishPacket("a", "", 0, 0, true));
    subscriber.expect("PUBLISH qos=0 a=");
    subscriber.subscribe(2, "a", 1);
    subscriber.expect("SUBACK id=2");
    assertThat(subscriber.next()).isEqualTo("nothing");
  }

  @Test
  void publishesTheWillOfAClientThatVanishesOnly() throws IOException {
    TestClient watcher = client().connected("watcher", true);
    watcher.subscribe(1, "will", 0);
    watcher.expect("SUBACK");
    connectWithWill("vanishes").close();
    watcher.expect("PUBLISH qos=0 will=gone");

    connectWithWill("leaves").disconnect();
    assertThat(watcher.next()).isEqualTo("nothing");
  }

  @Test
  void honoursReceiveMaximum() throws IOException {
    server.onConnection().thenBroker();
    TestClient client = client().speaking(MqttVersion.MQTT_5);
    MqttProperties properties = new MqttProperties();
    properties.add(new MqttProperties.IntegerProperty(0x21, 1));
    client.send(
        MqttMessageBuilders.connect()
            .protocolVersion(MqttVersion.MQTT_5)
            .clientId("me")
            .properties(properties)
            .build());
    client.expect("CONNACK");
    client.subscribe(1, "a", 1);
    client.expect("SUBACK");
    broker.publish("a", "one", 1);
    broker.publish("a", "two", 1);
    client.expect("PUBLISH id=1 qos=1 a=one");
    assertThat(client.next()).isEqualTo("nothing");

    client.acknowledge(MqttMessageType.PUBACK, 1);
    client.expect("PUBLISH id=2 qos=1 a=two");
  }

  @Test
  void dealsSharedMessagesOutInTurn() throws IOException {
    TestClient one = client().connected("one", true);
    TestClient two = client().connected("two", true);
    for (TestClient each : new TestClient[] {one, two}) {
      each.subscribe(1, "$share/group/a/#", 0);
      each.expect("SUBACK");
    }
    broker.publish("a/x", "1", 0);
    broker.publish("a/x", "2", 0);

    one.expect("PUBLISH qos=0 a/x=");
    two.expect("PUBLISH qos=0 a/x=");
    assertThat(one.next() + two.next()).isEqualTo("nothingnothing");
  }

  @Test
  void unsubscribesAndAnswersPings() throws IOException {
    TestClient client = client().connected("me", true);
    client.subscribe(1, "a", 0);
    client.expect("SUBACK id=1");
    client.unsubscribe(2, "a");
    client.expect("UNSUBACK id=2");
    broker.publish("a", "", 0);
    client.ping();
    client.expect("PINGRESP");
  }

  @Test
  void withholdsPackets() throws IOException {
    TestClient client = client().connected("me", true);
    broker.withhold(PacketType.PUBACK, 1);
    client.publish("a", "", 1, 1);
    client.publish("a", "", 1, 2);

    client.expect("PUBACK id=2");
    assertThat(server.transcript()).contains("withheld: PUBACK id=1");
  }

  @Test
  void delaysPackets() throws IOException {
    TestClient client = client().connected("me", true);
    broker.delay(PacketType.PUBACK, Duration.ofSeconds(5));
    client.publish("a", "", 1, 1);
    assertThat(client.next()).isEqualTo("nothing");

    time.advance(Duration.ofSeconds(5));
    client.expect("PUBACK id=1");
  }

  @Test
  void refusesConnectsWhileToldTo() throws IOException {
    broker.refuseConnects(5);
    TestClient refused = client();
    refused.connect("me", true);
    MqttConnAckMessage connack = (MqttConnAckMessage) refused.read();
    assertThat(connack.variableHeader().connectReturnCode().byteValue()).isEqualTo((byte) 5);
    assertThat(server.connection(1, Duration.ZERO).isClosed()).isTrue();

    broker.acceptConnects();
    client().connected("me", true);
  }

  @Test
  void adjustsConnack() throws IOException {
    broker.adjustConnack(c -> c.property(Property.SERVER_KEEP_ALIVE, 7));
    TestClient client = client().speaking(MqttVersion.MQTT_5);
    client.connect("me", true);
    MqttConnAckMessage connack = (MqttConnAckMessage) client.read();
    assertThat(connack.variableHeader().properties().getProperty(0x13).value()).isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource({"true, true", "false, false"})
  void restartsWithAndWithoutSessions(boolean keep, boolean present) throws IOException {
    TestClient client = client().connected("me", false);
    client.subscribe(1, "a", 1);
    server.restart(keep);
    assertThat(server.connection(1, Duration.ZERO).wasReset()).isTrue();

    TestClient again = client();
    again.connect("me", false);
    MqttConnAckMessage connack = (MqttConnAckMessage) again.read();
    assertThat(connack.variableHeader().isSessionPresent()).isEqualTo(present);
  }

  @Test
  void takesOverFromAScript() throws IOException {
    server.onConnection().expectConnect().sendConnack(c -> c.sessionPresent(false)).thenBroker();
    TestClient client = client().connected("me", true);
    client.subscribe(1, "a", 0);
    client.expect("SUBACK id=1");
    assertThat(broker.subscriptions("me")).containsExactly("a");
  }

  @Test
  void cutsOneConnectionAndServesTheNext() throws IOException {
    server.onConnection().cutAfterReceiving(20).thenBroker();
    TestClient client = client().connected("me", false);
    client.publish("a/long/topic", "never arrives whole", 1, 1);
    assertThat(server.connection(1, Duration.ZERO).wasReset()).isTrue();
    assertThat(broker.acceptedMessages()).isEmpty();

    client().connected("me", false);
  }

  @ParameterizedTest
  @CsvSource({
    "a/b, a/b, true",
    "a/b, a/b/c, false",
    "a/b, a, false",
    "a/+, a/b, true",
    "a/+, a/, true",
    "a/+, a, false",
    "+/b, a/b, true",
    "a/#, a, true",
    "a/#, a/b/c, true",
    "#, a/b, true",
    "#, $SYS/a, false",
    "+/a, $SYS/a, false",
    "$SYS/#, $SYS/a, true",
    "+, /a, false",
    "/+, /a, true"
  })
  void matchesTopicFilters(String filter, String topic, boolean matches) {
    assertThat(TopicFilterMatch.matches(filter, topic)).isEqualTo(matches);
  }

  private TestClient connectWithWill(String clientIdentifier) throws IOException {
    TestClient client = client();
    client.send(
        MqttMessageBuilders.connect()
            .clientId(clientIdentifier)
            .willFlag(true)
            .willTopic("will")
            .willQoS(MqttQoS.AT_MOST_ONCE)
            .willMessage("gone".getBytes(StandardCharsets.UTF_8))
            .build());
    client.expect("CONNACK");
    return client;
  }

  private TestClient client() {
    return TestClient.over(server.openConnection());
  }
}
