package interop;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.SocketFactory;
import org.eclipse.californium.elements.Connector;
import org.eclipse.californium.elements.EndpointContext;
import org.eclipse.californium.elements.EndpointContextMatcher;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.elements.RawDataChannel;
import org.eclipse.californium.elements.TcpEndpointContext;

/**
 * One connection of CoAP over TCP, opened when something is to be sent.
 *
 * <p>Californium writes and reads the messages of RFC 8323 itself, but its own connector exchanges
 * no CSM, which servers demand (californium#2092). This one does, and answers pings.
 */
final class TcpConnector implements Connector {
    private static final byte[] CSM = HexFormat.of().parseHex("50e12310000020");
    private static final int SIGNALING = 7;
    private static final int PING = 0xe2;
    private static final int PONG = 0xe3;

    private final SocketFactory factory;
    private final ExecutorService sender = Executors.newSingleThreadExecutor();
    private volatile Socket socket;
    private volatile EndpointContext context;
    private volatile boolean running;
    private RawDataChannel receiver;

    TcpConnector(SocketFactory factory) {
        this.factory = factory;
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        disconnect();
    }

    @Override
    public void destroy() {
        stop();
        sender.shutdown();
    }

    /** Closes the connection; the next message opens another. */
    synchronized void disconnect() {
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (IOException ignored) {
            // It is gone in any case.
        }
        socket = null;
    }

    @Override
    public void send(RawData message) {
        sender.execute(
                () -> {
                    try {
                        connect(message.getInetSocketAddress());
                        message.onContextEstablished(context);
                        write(message.getBytes());
                        message.onSent();
                    } catch (IOException error) {
                        disconnect();
                        message.onError(error);
                    }
                });
    }

    private void connect(InetSocketAddress peer) throws IOException {
        if (socket != null) {
            return;
        }
        Socket opened = factory.createSocket(peer.getAddress(), peer.getPort());
        opened.setTcpNoDelay(true);
        String id = opened.getLocalAddress() + ":" + opened.getLocalPort();
        context = new TcpEndpointContext(peer, id, System.nanoTime());
        socket = opened;
        write(CSM);
        Thread reader = new Thread(() -> read(opened, context));
        reader.setDaemon(true);
        reader.start();
    }

    private synchronized void write(byte[] message) throws IOException {
        socket.getOutputStream().write(message);
        socket.getOutputStream().flush();
    }

    private void read(Socket opened, EndpointContext peer) {
        try {
            DataInputStream input = new DataInputStream(opened.getInputStream());
            while (running) {
                take(readMessage(input), peer);
            }
        } catch (IOException closed) {
            if (socket == opened) {
                disconnect();
            }
        }
    }

    private void take(byte[] message, EndpointContext peer) throws IOException {
        int at = codeOffset(message[0]);
        int code = message[at] & 0xff;
        if (code == PING) {
            byte[] pong = Arrays.copyOf(message, message.length);
            pong[at] = (byte) PONG;
            write(pong);
        } else if (code != 0 && code >> 5 != SIGNALING) {
            receiver.receiveData(
                    RawData.inbound(message, peer, false, System.nanoTime(), getAddress()));
        }
    }

    private static int codeOffset(byte first) {
        int length = first >> 4 & 0xf;
        return length < 13 ? 1 : 1 + (1 << length - 13);
    }

    private static byte[] readMessage(DataInputStream input) throws IOException {
        byte[] head = new byte[6];
        input.readFully(head, 0, 1);
        int extension = codeOffset(head[0]) - 1;
        input.readFully(head, 1, extension + 1);
        int length = head[0] >> 4 & 0xf;
        if (extension > 0) {
            length = new int[] {13, 269, 0, 65805}[extension - 1];
            for (int i = 0, extended = 0; i < extension; i++) {
                extended = extended << 8 | head[1 + i] & 0xff;
                length += i == extension - 1 ? extended : 0;
            }
        }
        int size = extension + 2;
        byte[] message = Arrays.copyOf(head, size + (head[0] & 0xf) + length);
        input.readFully(message, size, message.length - size);
        return message;
    }

    @Override
    public void setRawDataReceiver(RawDataChannel channel) {
        receiver = channel;
    }

    @Override
    public void setEndpointContextMatcher(EndpointContextMatcher matcher) {
        // There is one peer.
    }

    @Override
    public InetSocketAddress getAddress() {
        Socket open = socket;
        return open == null
                ? new InetSocketAddress(0)
                : (InetSocketAddress) open.getLocalSocketAddress();
    }

    @Override
    public String getProtocol() {
        return "TCP";
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public void processDatagram(DatagramPacket datagram) {
        throw new UnsupportedOperationException();
    }
}
