// Private endpoints of storage, database and model, and the private DNS zones by which the app finds them.

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@description('Network that the zones serve.')
param networkId string = ''

@description('Subnet of the endpoints.')
param subnetId string = ''

@description('Storage account of the host.')
param hostStorageId string = ''

@description('Storage account of the content.')
param contentStorageId string = ''

@description('Account of the database.')
param cosmosId string = ''

@description('Account of the model; empty: an existing endpoint is used.')
param openaiId string = ''

var zoneNames = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.documents.azure.com'
  'privatelink.openai.azure.com'
]

var always = [
  { name: 'host-blob', target: hostStorageId, part: 'blob', zone: 0 }
  { name: 'host-queue', target: hostStorageId, part: 'queue', zone: 1 }
  { name: 'host-table', target: hostStorageId, part: 'table', zone: 2 }
  { name: 'content-blob', target: contentStorageId, part: 'blob', zone: 0 }
  { name: 'cosmos', target: cosmosId, part: 'Sql', zone: 3 }
]
var ofModel = [
  { name: 'openai', target: openaiId, part: 'account', zone: 4 }
]
var wanted = empty(openaiId) ? always : concat(always, ofModel)

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for name in zoneNames: {
  name: name
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (name, index) in zoneNames: {
  parent: zones[index]
  name: 'network'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [for item in wanted: {
  name: 'pe-${item.name}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: item.name
        properties: {
          privateLinkServiceId: item.target
          groupIds: [item.part]
        }
      }
    ]
  }
}]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [for (item, index) in wanted: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: item.name
        properties: {
          privateDnsZoneId: zones[item.zone].id
        }
      }
    ]
  }
}]
