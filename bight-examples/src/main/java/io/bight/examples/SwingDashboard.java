// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import java.awt.EventQueue;
import java.awt.GraphicsEnvironment;
import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import javax.swing.JFrame;
import javax.swing.JScrollPane;
import javax.swing.JTable;
import javax.swing.table.DefaultTableModel;

/**
 * {@code driveOn(EventQueue::invokeLater)}: a window with the latest value of every topic below
 * plant/. Callbacks run on Swing's event thread, so they may touch the window. Without a screen it
 * prints the values instead. Ends when the window is closed, or when plant/end comes.
 */
final class SwingDashboard {
  private final MqttLoop loop = MqttLoop.create("dashboard");
  private final DefaultTableModel values =
      new DefaultTableModel(new String[] {"topic", "value"}, 0);

  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtt://localhost";
    EventQueue.invokeLater(() -> new SwingDashboard().show(uri));
  }

  private void show(String uri) {
    loop.driveOn(EventQueue::invokeLater);
    MqttClient client = MqttClient.builder(uri).loop(loop).onMessage(this::handle).build();
    client.subscribe("plant/#", Qos.AT_LEAST_ONCE);
    client.connectAsync();
    if (!GraphicsEnvironment.isHeadless()) {
      JFrame window = new JFrame(uri);
      window.add(new JScrollPane(new JTable(values)));
      window.setDefaultCloseOperation(JFrame.DISPOSE_ON_CLOSE);
      window.addWindowListener(
          new WindowAdapter() {
            @Override
            public void windowClosed(WindowEvent event) {
              loop.close();
            }
          });
      window.pack();
      window.setVisible(true);
    }
  }

  private void handle(Message message) {
    if (message.topic().equals("plant/end")) {
      System.out.println(values.getRowCount() + " topics");
      loop.close();
      return;
    }
    int row = 0;
    while (row < values.getRowCount() && !values.getValueAt(row, 0).equals(message.topic())) {
      row++;
    }
    if (row == values.getRowCount()) {
      values.addRow(new Object[] {message.topic(), ""});
    }
    values.setValueAt(message.payloadUtf8(), row, 1);
    System.out.println(
        message.topic()
            + " "
            + message.payloadUtf8()
            + (EventQueue.isDispatchThread() ? " on the event thread" : " on the wrong thread"));
  }
}
