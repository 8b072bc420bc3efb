// The virtual network: one subnet for the app's way out, one for private endpoints.

@description('Name of the network.')
param name string = 'vnet-swarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@description('Addresses of the network.')
param addressPrefix string = '10.0.0.0/22'

@description('Addresses of the app, one for each instance and some for the platform.')
param appPrefix string = '10.0.0.0/24'

@description('Addresses of the private endpoints.')
param endpointsPrefix string = '10.0.1.0/24'

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appPrefix
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointsPrefix
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

@description('Resource id.')
output id string = network.id

@description('Subnet of the app.')
output appSubnetId string = '${network.id}/subnets/app'

@description('Subnet of the private endpoints.')
output endpointsSubnetId string = '${network.id}/subnets/endpoints'
