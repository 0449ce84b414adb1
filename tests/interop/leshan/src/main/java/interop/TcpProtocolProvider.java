package interop;

import java.net.InetSocketAddress;
import javax.net.SocketFactory;
import org.eclipse.californium.elements.Connector;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.transport.californium.client.endpoint.CaliforniumClientEndpointFactory;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientEndpointFactory;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientProtocolProvider;

/** Leshan's CoAP over our connector, with TLS or without. */
final class TcpProtocolProvider extends CoapClientProtocolProvider {
    private final Protocol protocol;
    private final TcpConnector connector;

    TcpProtocolProvider(Protocol protocol, SocketFactory factory) {
        this.protocol = protocol;
        connector = new TcpConnector(factory);
    }

    void disconnect() {
        connector.disconnect();
    }

    @Override
    public Protocol getProtocol() {
        return protocol;
    }

    @Override
    public CaliforniumClientEndpointFactory createDefaultEndpointFactory() {
        return new CoapClientEndpointFactory() {
            @Override
            public Protocol getProtocol() {
                return protocol;
            }

            @Override
            protected Connector createConnector(
                    InetSocketAddress address, Configuration configuration) {
                return connector;
            }
        };
    }
}
