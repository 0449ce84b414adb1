package interop;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.SocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.object.Device;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.resource.SimpleInstanceEnabler;
import org.eclipse.leshan.client.send.ManualDataSender;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.codec.DefaultLwM2mDecoder;
import org.eclipse.leshan.core.node.codec.DefaultLwM2mEncoder;
import org.eclipse.leshan.core.node.codec.LwM2mValueChecker;
import org.eclipse.leshan.core.node.codec.NodeDecoder;
import org.eclipse.leshan.core.node.codec.NodeEncoder;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.DeregisterRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;
import org.eclipse.leshan.transport.californium.client.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coaps.CoapsClientProtocolProvider;

/**
 * A Leshan client that tests drive: one event a line on standard output, one command a line on
 * standard input.
 *
 * <p>Arguments: SERVER_URI ENDPOINT LIFETIME FORMAT (the only content format that it knows, by
 * name, or ALL) QUEUE_MODE (true or false) [SECURITY], where SECURITY is {@code psk IDENTITY
 * HEX_KEY}, {@code rpk KEY PUBLIC_KEY SERVERS_PUBLIC_KEY} or {@code x509 KEY CERTIFICATE
 * SERVERS_CERTIFICATE} (files, DER). Properties: {@code cid} (length of a connection ID, none
 * without), {@code reconnect} (true: with a full handshake before each update).
 * Commands: {@code set OBJECT/INSTANCE/RESOURCE NUMBER}, {@code update}, {@code send PATH},
 * {@code disconnect} (over TCP), {@code stop} (deregisters), {@code vanish} (does not).
 */
public final class LeshanPeer {
    private static final int SERVER_ID = 123;
    private static final int TEMPERATURE = 3303;
    private static final int LIGHT = 3311;
    private static final int SENSOR_VALUE = 5700;

    /** Reports what the server writes and executes; every value can be set from outside. */
    public static final class Instance extends SimpleInstanceEnabler {
        /** What Leshan makes when a server creates an instance; Leshan gives it its ID. */
        public Instance() {}

        Instance(Map<Integer, Object> values) {
            super(0, values);
        }

        void set(int resource, Object value) {
            fireResourcesChange(applyValues(Map.of(resource, value)));
        }

        @Override
        public WriteResponse write(
                LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
            WriteResponse response = super.write(server, replace, resource, value);
            say("written /%d/%d/%d %s", getModel().id, getId(), resource, value.getValue());
            return response;
        }

        @Override
        public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
            String given = arguments.isEmpty() ? "" : " " + arguments.serialize();
            say("executed /%d/0/%d%s", getModel().id, resource, given);
            return ExecuteResponse.success();
        }
    }

    private static synchronized void say(String format, Object... arguments) {
        System.out.println(String.format(format, arguments));
        System.out.flush();
    }

    private static Map<Integer, Object> values(Object... pairs) {
        Map<Integer, Object> values = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            values.put((Integer) pairs[i], pairs[i + 1]);
        }
        return values;
    }

    private static byte[] read(String file) throws Exception {
        return Files.readAllBytes(Path.of(file));
    }

    private static Security security(String uri, String[] given) throws Exception {
        String mode = given.length > 5 ? given[5] : "none";
        return switch (mode) {
            case "none" -> Security.noSec(uri, SERVER_ID);
            case "psk" ->
                    Security.psk(
                            uri, SERVER_ID, given[6].getBytes(), HexFormat.of().parseHex(given[7]));
            case "rpk" ->
                    Security.rpk(uri, SERVER_ID, read(given[7]), read(given[6]), read(given[8]));
            case "x509" ->
                    Security.x509(uri, SERVER_ID, read(given[7]), read(given[6]), read(given[8]));
            default -> throw new IllegalArgumentException(mode);
        };
    }

    private static CaliforniumClientEndpointsProvider endpoints(TcpProtocolProvider tcp) {
        CaliforniumClientEndpointsProvider.Builder builder =
                new CaliforniumClientEndpointsProvider.Builder(
                        new CoapClientProtocolProvider(), new CoapsClientProtocolProvider(), tcp);
        Configuration configuration = builder.createDefaultConfiguration();
        if (Integer.getInteger("cid") != null) {
            configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, Integer.getInteger("cid"));
        }
        return builder.setConfiguration(configuration).build();
    }

    /** Returns what connects over TLS with the device's certificate, to the server's alone. */
    private static SocketFactory tls(String[] given) throws Exception {
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        Certificate own = certificates.generateCertificate(new ByteArrayInputStream(read(given[7])));
        Certificate server =
                certificates.generateCertificate(new ByteArrayInputStream(read(given[8])));
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        PKCS8EncodedKeySpec key = new PKCS8EncodedKeySpec(read(given[6]));
        store.setKeyEntry(
                "own",
                KeyFactory.getInstance("EC").generatePrivate(key),
                new char[0],
                new Certificate[] {own});
        store.setCertificateEntry("server", server);
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, new char[0]);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLSv1.2");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    public static void main(String[] arguments) throws Exception {
        String uri = arguments[0];
        String endpoint = arguments[1];
        long lifetime = Long.parseLong(arguments[2]);
        ContentFormat only =
                arguments[3].equals("ALL") ? null : ContentFormat.fromName(arguments[3]);

        List<ObjectModel> models = new ArrayList<>(ObjectLoader.loadDefault());
        models.addAll(
                ObjectLoader.loadDdfResources("/models/", new String[] {"3303.xml", "3311.xml"}));
        Instance temperature =
                new Instance(values(SENSOR_VALUE, 21.5d, 5701, "Cel", 5601, 20.0d, 5602, 23.0d));
        Instance light = new Instance(values(5850, false, 5851, 50L, 5706, "#102030"));

        BindingMode binding = uri.contains("+tcp") ? BindingMode.T : BindingMode.U;
        ObjectsInitializer initializer = new ObjectsInitializer(new StaticModel(models));
        initializer.setInstancesForObject(0, security(uri, arguments));
        initializer.setInstancesForObject(1, new Server(SERVER_ID, lifetime));
        initializer.setInstancesForObject(
                3, new Device("Eclipse Leshan", "Peer", "LESHAN-1", EnumSet.of(binding)));
        initializer.setInstancesForObject(TEMPERATURE, temperature);
        initializer.setInstancesForObject(LIGHT, light);

        DefaultRegistrationEngineFactory engine = new DefaultRegistrationEngineFactory();
        engine.setQueueMode(Boolean.parseBoolean(arguments[4]));
        engine.setReconnectOnUpdate(Boolean.getBoolean("reconnect")).setResumeOnConnect(false);
        Map<ContentFormat, NodeEncoder> encoders =
                new HashMap<>(DefaultLwM2mEncoder.getDefaultNodeEncoders(false));
        Map<ContentFormat, NodeDecoder> decoders =
                new HashMap<>(DefaultLwM2mDecoder.getDefaultNodeDecoders(false));
        if (only != null) {
            encoders.keySet().retainAll(Set.of(only));
            decoders.keySet().retainAll(Set.of(only));
            for (int object : new int[] {3, TEMPERATURE, LIGHT}) {
                initializer.setDefaultContentFormat(object, only);
            }
        }
        TcpProtocolProvider tcp =
                uri.startsWith("coaps+tcp")
                        ? new TcpProtocolProvider(Protocol.COAPS_TCP, tls(arguments))
                        : new TcpProtocolProvider(Protocol.COAP_TCP, SocketFactory.getDefault());
        LeshanClient client =
                new LeshanClientBuilder(endpoint)
                        .setObjects(initializer.createAll())
                        .setEndpointsProviders(endpoints(tcp))
                        .setRegistrationEngineFactory(engine)
                        .setEncoder(
                                new DefaultLwM2mEncoder(
                                        encoders,
                                        DefaultLwM2mEncoder.getDefaultPathEncoder(),
                                        new LwM2mValueChecker()))
                        .setDecoder(
                                new DefaultLwM2mDecoder(
                                        decoders, DefaultLwM2mDecoder.getDefaultPathDecoder()))
                        .setDataSenders(new ManualDataSender())
                        .build();
        client.addObserver(
                new LwM2mClientObserverAdapter() {
                    @Override
                    public void onRegistrationSuccess(
                            LwM2mServer server, RegisterRequest request, String id) {
                        say("registered %s", id);
                    }

                    @Override
                    public void onRegistrationFailure(
                            LwM2mServer server,
                            RegisterRequest request,
                            ResponseCode code,
                            String message,
                            Exception cause) {
                        say("refused %s", code);
                    }

                    @Override
                    public void onUpdateSuccess(LwM2mServer server, UpdateRequest request) {
                        say("updated");
                    }

                    @Override
                    public void onDeregistrationSuccess(
                            LwM2mServer server, DeregisterRequest request) {
                        say("deregistered");
                    }
                });
        client.start();

        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        String line;
        while ((line = commands.readLine()) != null) {
            String[] words = line.trim().split(" ", 3);
            switch (words[0]) {
                case "set" -> {
                    LwM2mPath path = new LwM2mPath(words[1]);
                    Instance instance = path.getObjectId() == LIGHT ? light : temperature;
                    instance.set(path.getResourceId(), parse(words[2]));
                    say("set %s", path);
                }
                case "update" -> client.triggerRegistrationUpdate();
                case "send" -> send(client, words[1]);
                case "disconnect" -> {
                    tcp.disconnect();
                    say("disconnected");
                }
                case "stop" -> {
                    client.destroy(true);
                    return;
                }
                case "vanish" -> {
                    client.destroy(false);
                    return;
                }
                default -> say("unknown command %s", words[0]);
            }
        }
        client.destroy(false);
    }

    private static void send(LeshanClient client, String path) throws InterruptedException {
        LwM2mServer server = client.getRegisteredServers().values().iterator().next();
        say(
                "sent %s",
                client.getSendService()
                        .sendData(server, ContentFormat.SENML_CBOR, List.of(path), 5000)
                        .getCode());
    }

    private static Object parse(String text) {
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        return text.contains(".") ? (Object) Double.valueOf(text) : Long.valueOf(text);
    }
}
